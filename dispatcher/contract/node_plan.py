"""The part of the active plan that concerns one node."""

from __future__ import annotations

import msgspec

from dispatcher.contract.sub_cluster import SubClusterSpec


class NodePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What the node is to serve: one specification for each of its sub-clusters that the plan has.

    ``etag`` names what it was read from. With ``wave`` it is what the sub-clusters hold from the opening of
    that wave of activation ``activation_id`` on; without, the plan as it is.
    """

    plan_version: int
    etag: str
    sub_clusters: tuple[SubClusterSpec, ...]
    activation_id: int = 0
    wave: int | None = None

    def of(self, sub_cluster: str) -> SubClusterSpec | None:
        """None where the plan has no such sub-cluster."""
        return next((spec for spec in self.sub_clusters if spec.id == sub_cluster), None)
