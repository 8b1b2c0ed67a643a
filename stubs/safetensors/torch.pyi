from pathlib import Path

from torch import Tensor

def load_file(filename: Path) -> dict[str, Tensor]: ...
