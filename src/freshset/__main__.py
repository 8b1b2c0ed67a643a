"""``python -m freshset``."""

from freshset.cli.main import main

if __name__ == "__main__":
    main()
