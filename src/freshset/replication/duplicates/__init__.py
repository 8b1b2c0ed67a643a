"""Near-duplicates: finding them in several metrics, reviewing pairs, and keeping one of each."""
