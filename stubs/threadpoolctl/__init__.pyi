# What freshset uses of threadpoolctl, which ships no types.
from types import TracebackType

class threadpool_limits:  # noqa: N801 - its name there
    def __init__(self, limits: int | None = ...) -> None: ...
    def __enter__(self) -> object: ...
    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def threadpool_info() -> list[dict[str, object]]: ...
