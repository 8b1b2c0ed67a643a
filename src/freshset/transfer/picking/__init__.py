"""Which backbone for these images? Features, probes, and a ranked answer within a time."""
