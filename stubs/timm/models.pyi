from typing import Any

class PretrainedCfg:
    __dataclass_fields__: dict[str, Any]
    def to_dict(self) -> dict[str, Any]: ...

def get_pretrained_cfg(name: str) -> PretrainedCfg | None: ...
