"""Rebuild a test set the way the original was built: one module per step, in pipeline order."""
