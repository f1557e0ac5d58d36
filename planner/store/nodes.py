"""Repository of GPU nodes: the last heartbeat of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from planner.store.records import HeardNode
from planner.store.tables import NodeRow
from planner.store.upserts import upsert


class NodeRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def hear(self, node: str, status: dict[str, Any]) -> HeardNode:
        """Replaces what the node told before."""
        row = {"fleet": self._fleet, "id": node, "heard_at": self._now, "status": status}
        upsert(self._session, NodeRow, [row])
        return HeardNode(node, self._now, status)

    def all(self) -> list[HeardNode]:
        """By name."""
        rows = self._session.scalars(select(NodeRow).where(NodeRow.fleet == self._fleet).order_by(NodeRow.id))
        return [HeardNode(row.id, row.heard_at, dict(row.status)) for row in rows]

    def one(self, node: str) -> HeardNode | None:
        row = self._session.get(NodeRow, (self._fleet, node))
        return None if row is None else HeardNode(row.id, row.heard_at, dict(row.status))
