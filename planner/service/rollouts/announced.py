"""
GPUs that nodes keep for rollouts, as their heartbeats of the last minute announce them.

A spare is one sub-cluster on one node. What cannot be opened without mixing it up with something else,
or in no pool of the plan's problem, is left out, and the reason told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from planner.rollout.steps import SpareGpus
from planner.store.records import HeardNode


@dataclass(frozen=True, slots=True)
class Announced:
    """The spares that may be opened, by id, and why others may not."""

    spares: tuple[SpareGpus, ...] = ()
    left_out: tuple[str, ...] = ()


def announced(
    heard: Iterable[HeardNode], planned: Collection[str], pools: Collection[tuple[str, str]]
) -> Announced:
    """
    What nodes that were heard lately keep.

    ``planned`` are the sub-clusters of the plans, ``pools`` the GPU types and zones that the problem has.
    """
    nodes = sorted(heard, key=lambda node: node.id)
    keepers: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    homes: dict[str, str] = {}
    for node in nodes:
        own = {spare["id"]: spare for spare in _spares(node)}
        for name, spare in own.items():
            keepers.setdefault(name, []).append((node.id, spare))
        homes |= {part["id"]: node.id for part in node.status["sub_clusters"] if part["id"] not in own}
    spares, left_out = [], []
    for name, told in sorted(keepers.items()):
        of = f"spare {name} of {' and '.join(node for node, _ in told)}"
        place = (told[0][1]["gpu_type"], told[0][1]["zone"])
        if len(told) > 1:
            left_out.append(f"{of}: a spare must be of one node alone")
        elif name in planned:
            left_out.append(f"{of}: its id must not be a sub-cluster of the plan")
        elif name in homes:
            left_out.append(f"{of}: its id must not be a sub-cluster that {homes[name]} names")
        elif place not in pools:
            left_out.append(f"{of}: the plan's problem has no pool {'/'.join(place)}")
        else:
            spares.append(SpareGpus(name, *place, told[0][1]["gpus"]))
    return Announced(tuple(spares), tuple(left_out))


def any_announced(heard: Iterable[HeardNode]) -> bool:
    return any(_spares(node) for node in heard)


def _spares(node: HeardNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = node.status.get("spares") or []
    return found
