from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.node_spare_body import NodeSpareBody
    from ..models.node_sub_cluster_body import NodeSubClusterBody


T = TypeVar("T", bound="HeartbeatBody")


@_attrs_define
class HeartbeatBody:
    """How a node is: the plan it serves, the last it knows, its processes, and what is wrong."""

    plan_version: int | None
    plan_known: int | None
    sent_at_s: float
    """ The node's clock, in seconds since 1970. """
    clock_off_s: float
    """ How far its clock is ahead of the planner's. """
    cache_fault: None | str
    planner_fault: None | str
    sub_clusters: list[NodeSubClusterBody]
    hold_s_max: float | None | Unset = UNSET
    """ How long a wave may wait for a sub-cluster that does not come. """
    spares: list[NodeSpareBody] | Unset = UNSET
    """ GPUs that it keeps for rollouts. """

    def to_dict(self) -> dict[str, Any]:
        plan_version: int | None
        plan_version = self.plan_version

        plan_known: int | None
        plan_known = self.plan_known

        sent_at_s = self.sent_at_s

        clock_off_s = self.clock_off_s

        cache_fault: None | str
        cache_fault = self.cache_fault

        planner_fault: None | str
        planner_fault = self.planner_fault

        sub_clusters = []
        for sub_clusters_item_data in self.sub_clusters:
            sub_clusters_item = sub_clusters_item_data.to_dict()
            sub_clusters.append(sub_clusters_item)

        hold_s_max: float | None | Unset
        if isinstance(self.hold_s_max, Unset):
            hold_s_max = UNSET
        else:
            hold_s_max = self.hold_s_max

        spares: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.spares, Unset):
            spares = []
            for spares_item_data in self.spares:
                spares_item = spares_item_data.to_dict()
                spares.append(spares_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan_version": plan_version,
                "plan_known": plan_known,
                "sent_at_s": sent_at_s,
                "clock_off_s": clock_off_s,
                "cache_fault": cache_fault,
                "planner_fault": planner_fault,
                "sub_clusters": sub_clusters,
            }
        )
        if hold_s_max is not UNSET:
            field_dict["hold_s_max"] = hold_s_max
        if spares is not UNSET:
            field_dict["spares"] = spares

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.node_spare_body import NodeSpareBody  # noqa: PLC0415
        from ..models.node_sub_cluster_body import NodeSubClusterBody  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_plan_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        plan_version = _parse_plan_version(d.pop("plan_version"))

        def _parse_plan_known(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        plan_known = _parse_plan_known(d.pop("plan_known"))

        sent_at_s = d.pop("sent_at_s")

        clock_off_s = d.pop("clock_off_s")

        def _parse_cache_fault(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        cache_fault = _parse_cache_fault(d.pop("cache_fault"))

        def _parse_planner_fault(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        planner_fault = _parse_planner_fault(d.pop("planner_fault"))

        sub_clusters = []
        _sub_clusters = d.pop("sub_clusters")
        for sub_clusters_item_data in _sub_clusters:
            sub_clusters_item = NodeSubClusterBody.from_dict(sub_clusters_item_data)

            sub_clusters.append(sub_clusters_item)

        def _parse_hold_s_max(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        hold_s_max = _parse_hold_s_max(d.pop("hold_s_max", UNSET))

        _spares = d.pop("spares", UNSET)
        spares: list[NodeSpareBody] | Unset = UNSET
        if _spares is not UNSET:
            spares = []
            for spares_item_data in _spares:
                spares_item = NodeSpareBody.from_dict(spares_item_data)

                spares.append(spares_item)

        heartbeat_body = cls(
            plan_version=plan_version,
            plan_known=plan_known,
            sent_at_s=sent_at_s,
            clock_off_s=clock_off_s,
            cache_fault=cache_fault,
            planner_fault=planner_fault,
            sub_clusters=sub_clusters,
            hold_s_max=hold_s_max,
            spares=spares,
        )

        return heartbeat_body
