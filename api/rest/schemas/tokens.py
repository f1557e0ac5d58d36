"""Bodies and answers about tokens, and about who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from api.rest.bodies import Entry, Strict
from api.rest.dependencies import FLEET_PATTERN
from planner.service.access import Grant, Principal, Scope
from planner.service.tokens import IssuedToken, TokenRequest
from planner.store.tokens import TokenRecord

EVERY_FLEET = "*"
TOKEN_EXAMPLE: dict[str, Any] = {
    "id": "k3b5mq7xza",
    "name": "forecast-upload",
    "scopes": ["planner"],
    "fleets": ["default"],
    "created_at": "2026-11-23T08:00:00Z",
    "created_by": "first-admin",
    "expires_at": "2027-11-23T08:00:00Z",
    "rotated_at": None,
    "previous_until": None,
    "revoked_at": None,
    "last_used_at": None,
}
FleetName = Annotated[str, Field(min_length=1, max_length=100, pattern=rf"^\*$|{FLEET_PATTERN}")]


class TokenBody(Entry[TokenRequest]):
    """A token to be made."""

    subject: ClassVar[str] = "token"
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "forecast-upload", "scopes": ["planner"], "fleets": ["default"], "days": 365}
            ]
        }
    )

    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="As the audit log shows it.",
    )
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(min_length=1, max_length=5)
    fleets: list[FleetName] = Field(
        default=[EVERY_FLEET], min_length=1, max_length=1_000, description="`*` means every fleet."
    )
    days: float | None = Field(
        default=None, gt=0, le=3_650, description="How long it is good; by default until it is revoked."
    )

    def to_record(self) -> TokenRequest:
        fleets = None if EVERY_FLEET in self.fleets else frozenset(self.fleets)
        return TokenRequest(self.name, Grant(frozenset(self.scopes), fleets), self.days)


class RotationBody(Strict):
    """How long the old secret stays good."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grace_s": 3600}]})

    grace_s: float = Field(
        default=86_400, ge=0, le=2_592_000, description="Seconds that the old secret stays good."
    )


class TokenOut(BaseModel):
    """A token without its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [TOKEN_EXAMPLE]})

    id: str
    name: str
    scopes: list[str]
    fleets: list[str] = Field(description="`*` means every fleet.")
    created_at: datetime
    created_by: str
    expires_at: datetime | None = Field(description="None: good until it is revoked.")
    rotated_at: datetime | None
    previous_until: datetime | None = Field(
        description="Until when the secret before the last rotation is good."
    )
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="Late by up to ten minutes.")

    @classmethod
    def of(cls, record: TokenRecord) -> TokenOut:
        return cls.model_validate(_shown(record))


class IssuedTokenOut(TokenOut):
    """A token, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [TOKEN_EXAMPLE | {"token": "fermata_k3b5mq7xza_" + "0" * 64}]}
    )

    token: str = Field(description="To be sent as `Authorization: Bearer TOKEN`; it is shown this once.")

    @classmethod
    def of_issued(cls, issued: IssuedToken) -> IssuedTokenOut:
        return cls.model_validate(_shown(issued.record) | {"token": issued.token})


class MeOut(BaseModel):
    """Who asks, and what that one may do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "forecast-upload", "scopes": ["planner"], "fleets": ["default"]}]
        }
    )

    name: str
    scopes: list[str]
    fleets: list[str] = Field(description="`*` means every fleet.")

    @classmethod
    def of(cls, principal: Principal) -> MeOut:
        grant = principal.grant
        fleets = [EVERY_FLEET] if grant.fleets is None else sorted(grant.fleets)
        return cls(name=principal.name, scopes=sorted(grant.scopes), fleets=fleets)


def _shown(record: TokenRecord) -> dict[str, Any]:
    shown = {name: getattr(record, name) for name in TokenOut.model_fields}
    return shown | {
        "scopes": list(record.scopes),
        "fleets": [EVERY_FLEET] if record.fleets is None else list(record.fleets),
    }
