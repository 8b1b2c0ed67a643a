# What freshset uses of torchvision's data sets.
from typing import Any

__all__ = ["VisionDataset"]

class VisionDataset:
    root: str
    def __init__(self, **kwargs: Any) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...
