"""Checking a test set, and tables of what its making did to the scores."""
