class RayError(Exception): ...

class RayTaskError(RayError):
    cause: Exception

class RayActorError(RayError):
    @property
    def actor_init_failed(self) -> bool: ...
