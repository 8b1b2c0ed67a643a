from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

class SafetensorError(Exception): ...

def safe_open(filename: Path, *, framework: str) -> AbstractContextManager[Any]: ...
