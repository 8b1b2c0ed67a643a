"""Plan what is missing, run it, and record it in the store."""
