"""Validation by folds: repeated, reshuffled, resumable, with the official test set opened last."""
