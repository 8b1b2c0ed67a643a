"""Models by reference: adapters that load them, and the port that a run talks to."""
