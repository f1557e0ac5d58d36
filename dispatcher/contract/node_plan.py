"""The part of the active plan that concerns one node."""

from __future__ import annotations

import msgspec

from dispatcher.contract.sub_cluster import SubClusterSpec


class NodePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What the node is to serve: one specification for each of its sub-clusters that the plan has.

    ``etag`` names the activation it was read from.
    """

    plan_version: int
    etag: str
    sub_clusters: tuple[SubClusterSpec, ...]

    def of(self, sub_cluster: str) -> SubClusterSpec | None:
        """None where the plan has no such sub-cluster."""
        return next((spec for spec in self.sub_clusters if spec.id == sub_cluster), None)
