"""A sealed holdout: labels under a key, a budget of looks, and a ledger of everything revealed."""
