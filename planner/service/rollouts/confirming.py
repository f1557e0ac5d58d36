"""
Which sub-clusters have not done their part of a wave yet, as the heartbeats of the last minute say.

A part of a sub-cluster is done once its node has applied the wave; a sub-cluster, once every part that is
alive is done, one of them runs its dispatcher, and its GPUs hold what the wave says. GPUs whose worker dies
again and again are not waited for. A sub-cluster that closes needs nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from planner.rollout.stages import Holding, Stage, changed
from planner.store.records import HeardNode

HOLD_S_MAX = 600.0
"""Where no node says how long what leaves is to be kept."""

STARTING, RUNNING = "starting", "running"


def unconfirmed(
    now: Stage, then: Stage, activation_id: int, wave: int, heard: Sequence[HeardNode]
) -> list[str]:
    """The sub-clusters that the wave from ``now`` to ``then`` waits for, by name."""
    parts = parts_by_sub_cluster(heard)
    return [
        name
        for name in changed(now, then)
        if not is_confirmed(then.get(name), parts.get(name, ()), activation_id, wave)
    ]


def is_confirmed(
    holding: Holding | None, parts: Sequence[dict[str, Any]], activation_id: int, wave: int
) -> bool:
    """Whether the parts of a sub-cluster, as heartbeats tell them, hold what a wave leaves it with."""
    if not all(_has_applied(part, activation_id, wave) for part in parts):
        return False
    if holding is None:
        return True
    if not any(part["dispatcher"] for part in parts):
        return False
    models = set(holding.models)
    gpus = [gpu for part in parts for gpu in part["gpus"] if gpu["gpu"] < holding.gpus]
    return any(_holds(gpu, models) for gpu in gpus) and not any(_is_coming(gpu, models) for gpu in gpus)


def hold_s_max(heard: Iterable[HeardNode]) -> float:
    """How long a wave waits: as long as the most patient node says."""
    told = [node.status["hold_s_max"] for node in heard if node.status.get("hold_s_max") is not None]
    return max(told, default=HOLD_S_MAX)


def parts_by_sub_cluster(heard: Iterable[HeardNode]) -> dict[str, list[dict[str, Any]]]:
    """What nodes said of each sub-cluster of which they have GPUs or the dispatcher."""
    found: dict[str, list[dict[str, Any]]] = {}
    for node in heard:
        for part in node.status["sub_clusters"]:
            found.setdefault(part["id"], []).append(part)
    return found


def _has_applied(part: dict[str, Any], activation_id: int, wave: int) -> bool:
    return part.get("activation_id") == activation_id and (part.get("wave") or 0) >= wave


def _holds(gpu: dict[str, Any], models: set[str]) -> bool:
    return gpu["state"] == RUNNING and models <= set(gpu["models"])


def _is_coming(gpu: dict[str, Any], models: set[str]) -> bool:
    """A worker that starts for the first time, or runs and has not loaded."""
    return (gpu["state"] == STARTING and gpu["starts"] <= 1) or (
        gpu["state"] == RUNNING and not models <= set(gpu["models"])
    )
