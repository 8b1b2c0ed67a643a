"""Does the score survive a fresh test set?  Many models, an old set and a new one."""
