# What freshset uses of skops, which ships no types.
__version__: str
