from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="DelaysBody")


@_attrs_define
class DelaysBody:
    """The data plane's fixed delays, in microseconds."""

    ctrl_us: int | Unset = 100
    """ From the decision to send a batch until the worker has it. """
    data_us: int | Unset = 50
    """ Input transfer, for each request of a batch. """
    resp_us: int | Unset = 2000
    """ From the end of execution until the client has its answer. """

    def to_dict(self) -> dict[str, Any]:
        ctrl_us = self.ctrl_us

        data_us = self.data_us

        resp_us = self.resp_us

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if ctrl_us is not UNSET:
            field_dict["ctrl_us"] = ctrl_us
        if data_us is not UNSET:
            field_dict["data_us"] = data_us
        if resp_us is not UNSET:
            field_dict["resp_us"] = resp_us

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        ctrl_us = d.pop("ctrl_us", UNSET)

        data_us = d.pop("data_us", UNSET)

        resp_us = d.pop("resp_us", UNSET)

        delays_body = cls(
            ctrl_us=ctrl_us,
            data_us=data_us,
            resp_us=resp_us,
        )

        return delays_body
