"""What a cluster has room for: GPUs of each process, and how many processes fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from freshset.core.config import RunSettings
from freshset.core.errors import UsageError

Nodes = Sequence[Mapping[str, float]]
"""What each node has in all, by resource: ``CPU``, ``GPU``."""


def gpus_each(settings: RunSettings, nodes: Nodes) -> float:
    """GPUs of each process.

    Raises
    ------
    UsageError
        When the device is a GPU, and a process would have none.
    """
    there = any(node.get("GPU", 0) for node in nodes)
    wanted = settings.actor_gpus
    if wanted < 0:
        wanted = 1.0 if there and settings.device != "cpu" else 0.0
    if settings.device.startswith("cuda") and not wanted:
        raise UsageError(
            "The device is cuda, but the actors would have no GPU"
            f"{'' if there else ', since the cluster has none now'}.",
            "Set actor_gpus, and actors where nodes with GPUs are started on demand.",
        )
    return wanted


def actors_that_fit(settings: RunSettings, gpus: float, nodes: Nodes) -> int:
    """How many actors to make.

    Raises
    ------
    UsageError
        When no node has room for one.
    """
    if settings.actors:
        return settings.actors
    needs = {"CPU": settings.actor_cpus, "GPU": gpus}
    # The hair is for shares such as 0.1, which a computer cannot write down.
    room = sum(
        min(int(node.get(name, 0) / need + 1e-9) for name, need in needs.items() if need)
        for node in nodes
    )
    if not room:
        text = " and ".join(f"{need:g} {name}s" for name, need in needs.items() if need)
        raise UsageError(
            f"No node of the Ray cluster has {text} for an actor.",
            "Lower actor_cpus or actor_gpus, or set actors to wait for nodes that have them.",
        )
    return room
