"""Where a plan is run: on this machine, or on a Ray cluster."""
