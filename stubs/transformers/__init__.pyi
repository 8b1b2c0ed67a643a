from typing import Any

__version__: str

class _Auto:
    @staticmethod
    def from_pretrained(*args: Any, **kwargs: Any) -> Any: ...

AutoConfig: _Auto
AutoTokenizer: _Auto
AutoImageProcessor: _Auto

def __getattr__(name: str) -> Any: ...
