"""GPU nodes: take their heartbeats, and say how they are."""

from __future__ import annotations

from typing import Any

from planner.service.errors import NodeNotFound
from planner.service.submission import Submission
from planner.store.records import HeardNode
from planner.store.store import Store


def hear(store: Store, node: str, submission: Submission[dict[str, Any]]) -> HeardNode:
    """Keep the heartbeat in place of the one before. Raises ``InputInvalid``."""
    (status,) = submission.accepted({})
    with store.writing() as work:
        return work.nodes.hear(node, status)


def nodes(
    store: Store, *, name: str | None = None, after: str | None = None, limit: int | None = None
) -> list[HeardNode]:
    """Nodes ever heard of, by name; ``name`` is a part of it, ``after`` continues above that one."""
    with store.reading() as work:
        return work.nodes.all(name=name, after=after, limit=limit)


def node(store: Store, node_id: str) -> HeardNode:
    """Raises ``NodeNotFound``."""
    with store.reading() as work:
        found = work.nodes.one(node_id)
    if found is None:
        raise NodeNotFound(node_id)
    return found
