"""Comparisons as something to read: tables, figures and one self-contained page."""
