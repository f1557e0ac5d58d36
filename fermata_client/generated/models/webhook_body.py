from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="WebhookBody")


@_attrs_define
class WebhookBody:
    """Whom to tell of what."""

    url: str
    """ Its host must be one that the operator allows. """
    events: list[str]
    """ Of replan.waiting, replan.activated, replan.failed, plan.activated, plan.rolled_back, webhook.tested. """

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        events = self.events

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "url": url,
                "events": events,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url")

        events = cast(list[str], d.pop("events"))

        webhook_body = cls(
            url=url,
            events=events,
        )

        return webhook_body
