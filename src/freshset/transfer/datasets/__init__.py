"""The data sets of a transfer study: train, validation and test, what they are, and how they are scored."""
