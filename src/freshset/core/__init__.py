"""Values and small mechanisms that every other layer may use."""
