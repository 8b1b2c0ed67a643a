class _Flags:
    allow_tf32: bool
    benchmark: bool
    deterministic: bool
    def version(self) -> int | None: ...

class _Cuda:
    matmul: _Flags

cuda: _Cuda
cudnn: _Flags
