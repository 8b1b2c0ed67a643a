"""How to keep a test set honest: repeated validation, the Ladder, Thresholdout, sealed holdouts."""
