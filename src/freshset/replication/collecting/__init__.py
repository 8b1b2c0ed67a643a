"""Collecting images: sources, candidates, working copies, exclusions, quotas."""
