"""Audit of finished competitions: public against private scores, where adaptivity is identified."""
