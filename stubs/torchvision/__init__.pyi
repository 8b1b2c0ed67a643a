from typing import Any

from torchvision import models as models

__version__: str

# The test-set adapter takes data sets by name.
def __getattr__(name: str) -> Any: ...
