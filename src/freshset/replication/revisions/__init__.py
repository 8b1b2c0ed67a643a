"""Drawn sets in a chain of digests: review, freezing, un-freezing."""
