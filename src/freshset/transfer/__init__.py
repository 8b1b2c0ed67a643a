"""Does a better score transfer? Fixed features, fine-tuning and scratch training on other data sets."""
