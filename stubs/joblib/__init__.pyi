# What freshset uses of joblib, which ships no types.
from pathlib import Path
from typing import Any

def load(filename: str | Path) -> Any: ...
