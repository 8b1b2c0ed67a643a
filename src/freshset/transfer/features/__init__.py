"""Fixed features of networks: taken once, kept in the store, and mapped into memory where needed."""
