from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="NodeDispatcherBody")


@_attrs_define
class NodeDispatcherBody:
    """The dispatcher process of a sub-cluster."""

    state: str
    pid: int | None
    starts: int
    plan_version: int | None
    http_url: None | str

    def to_dict(self) -> dict[str, Any]:
        state = self.state

        pid: int | None
        pid = self.pid

        starts = self.starts

        plan_version: int | None
        plan_version = self.plan_version

        http_url: None | str
        http_url = self.http_url

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "state": state,
                "pid": pid,
                "starts": starts,
                "plan_version": plan_version,
                "http_url": http_url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        state = d.pop("state")

        def _parse_pid(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        pid = _parse_pid(d.pop("pid"))

        starts = d.pop("starts")

        def _parse_plan_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        plan_version = _parse_plan_version(d.pop("plan_version"))

        def _parse_http_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        http_url = _parse_http_url(d.pop("http_url"))

        node_dispatcher_body = cls(
            state=state,
            pid=pid,
            starts=starts,
            plan_version=plan_version,
            http_url=http_url,
        )

        return node_dispatcher_body
