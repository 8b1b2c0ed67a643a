"""The work of a transfer study: probes, trials of rates and decays, final runs, and their results."""
