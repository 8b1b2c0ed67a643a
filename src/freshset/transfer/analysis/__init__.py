"""Statistics of a transfer study, from its results to findings in plain words."""
