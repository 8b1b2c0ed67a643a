from contextlib import AbstractContextManager
from typing import Any

def fork_rng(devices: list[Any] | None = ...) -> AbstractContextManager[Any]: ...
