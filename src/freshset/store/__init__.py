"""Where predictions live: one file per (model, test set) cell, and importers of foreign results."""
