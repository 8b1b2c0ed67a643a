"""Test sets: adapters that read their items, class spaces, and mappings between those."""
