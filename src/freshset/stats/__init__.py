"""Pure statistics: arrays in, one frozen result out.

Nothing here reads a file, prints, or knows of models and test sets by name.  Bad arguments raise
``ValueError``.  Randomness comes only from the ``rng`` that the caller passes.
"""
