"""Settings of the server, from the environment (``FERMATA_*``) or its options: docs/reference/settings.md."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from planner.demand.retention import DAY_S, HOUR_S, Retention
from planner.service.access import Scope
from planner.service.webhooks.addresses import AllowedAddresses

MEBIBYTE = 2**20


class Auth(StrEnum):
    AUTO = "auto"
    TOKENS = "tokens"
    OFF = "off"


class GroupGrant(BaseModel):
    """What members of a group of the identity provider may do; ``fleets`` ``["*"]`` means every fleet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str
    scopes: tuple[Scope, ...]
    fleets: tuple[str, ...] = ("*",)


ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def _asymmetric(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or not set(names) <= set(ASYMMETRIC):
        raise ValueError(f"must be one or more of {', '.join(ASYMMETRIC)}")
    return names


class Settings(BaseSettings):
    """Each field is the environment variable ``FERMATA_`` followed by its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="FERMATA_", extra="ignore")

    database_url: str = Field(
        default="sqlite:///var/fermata.db",
        description="Where the state lives: `sqlite:///FILE` or `postgresql://...`.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(
        default=8080, ge=0, le=65_535, description="Port the server listens on; 0 takes a free one."
    )
    public_url: str | None = Field(
        default=None,
        description="Address under which dispatchers reach this server, for their load reports; "
        "by default the one they asked at.",
    )
    run_worker: bool = Field(
        default=True, description="Whether this server executes planning runs besides answering."
    )
    run_lease_s: float = Field(
        default=30.0,
        ge=1,
        le=3_600,
        description="A run whose server gives no sign of life this long is taken over.",
    )
    request_bytes_max: int = Field(
        default=32 * MEBIBYTE, ge=1_024, description="Larger request bodies are refused with status 413."
    )
    bodies_bytes_max: int = Field(
        default=512 * MEBIBYTE,
        ge=1_024,
        description="Request bodies that a server works on at a time may take so many bytes together: those "
        "of their text and 64 a JSON value, the first 64 KiB of each not counted; beyond, status 503. One of "
        "the largest always has room.",
    )
    if_match_required: bool = Field(
        default=False,
        description="Whether what is registered can be replaced or deleted only with its ETag in If-Match.",
    )
    forecast_rows_max: int = Field(
        default=500_000,
        ge=1,
        le=10_000_000,
        description="Forecasts sent as CSV may have so many rows: one a model and epoch.",
    )
    scheduler: bool = Field(
        default=True, description="Whether this server takes up slots of schedules and delivers webhooks."
    )
    idempotency_keep_s: float = Field(
        default=86_400.0,
        ge=60,
        le=30 * 86_400,
        description="How long the answer to a POST with an `Idempotency-Key` is kept, seconds.",
    )
    webhook_hosts: list[str] = Field(
        default=[],
        description="Hosts that webhooks may name, as a JSON array; `*.example.com` allows every name below. "
        "None: no webhooks.",
    )
    webhook_loopback: bool = Field(
        default=False, description="Whether webhooks may name this machine's own loopback addresses."
    )
    observed_roll_up: bool = Field(
        default=True,
        description="Whether this server rolls up observed load and looks for profiles that have drifted.",
    )
    observed_roll_up_every_s: float = Field(
        default=300.0, ge=1, le=86_400, description="How often it rolls observed load up."
    )
    observed_reports_kept_h: float = Field(
        default=1.0, ge=0, le=8_784, description="How long load reports stay as they came, in hours."
    )
    observed_minutes_kept_h: float = Field(
        default=24.0, ge=0, le=8_784, description="How long observed load is kept by the minute."
    )
    observed_ten_minutes_kept_days: float = Field(
        default=14.0, ge=0, le=3_660, description="How long observed load is kept by ten minutes."
    )
    observed_hours_kept_days: float = Field(
        default=400.0,
        ge=1,
        le=36_600,
        description="How long observed load is kept by the hour; then it is deleted.",
    )
    auth: Auth = Field(
        default=Auth.AUTO,
        description="Who needs a token: `auto` nobody while the server listens on a loopback address and no "
        "token was ever made, else everybody; `tokens` everybody; `off` nobody, on a loopback address only.",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=720, description="How long a sign-in to the console is good."
    )
    reads_per_s_max: float = Field(
        default=200.0,
        ge=0,
        description="Reading requests of one token, per second and at each server; twice as many at once. "
        "0: any number.",
    )
    writes_per_s_max: float = Field(
        default=200.0, ge=0, description="The same for requests that change something."
    )
    strangers_per_s_max: float = Field(
        default=20.0,
        ge=0,
        description="Requests of one address that fail to say who asks, or ask for public pages; "
        "twice as many at once. 0: any number.",
    )
    body_silence_s_max: float = Field(
        default=15.0, gt=0, description="A request whose body stops coming this long is given up."
    )
    request_s_max: float = Field(
        default=120.0, gt=0, description="A request that takes longer is answered with status 503."
    )
    oidc_issuer: str | None = Field(
        default=None, description="Issuer of the identity provider that people sign in with."
    )
    oidc_client_id: str = Field(default="fermata", description="This server's name at the issuer.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="This server's secret at the issuer, where it has one."
    )
    oidc_audience: str | None = Field(
        default=None, description="Audience that a bearer token must have; by default the client's name."
    )
    oidc_scope: str = Field(
        default="openid profile email", description="What is asked of the issuer at a sign-in."
    )
    oidc_name_claim: str = Field(
        default="email", description="Claim that names a person in the audit log; without it, `sub`."
    )
    oidc_groups_claim: str = Field(default="groups", description="Claim that lists a person's groups.")
    oidc_grants: tuple[GroupGrant, ...] = Field(
        default=(),
        description="What groups may do, in JSON: a list of `group`, `scopes`, `fleets`.",
    )
    oidc_algorithms: Annotated[tuple[str, ...], AfterValidator(_asymmetric)] = Field(
        default=("RS256", "ES256"), description="Signatures that are accepted, in JSON."
    )
    oidc_clock_skew_s: float = Field(
        default=60.0, ge=0, le=600, description="How far the issuer's clock may be off."
    )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @model_validator(mode="after")
    def _open_only_at_home(self) -> Settings:
        if self.auth is Auth.OFF and not self.is_loopback:
            raise ValueError(
                f"auth 'off' must have a loopback address, as 127.0.0.1; the host is {self.host!r}"
            )
        if self.oidc_issuer is not None and not _is_safe(self.oidc_issuer):
            raise ValueError("oidc_issuer must be an https address; http only on a loopback one")
        return self

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Settings:
        _ = self.retention
        return self

    @property
    def retention(self) -> Retention:
        """How long observed load is kept at which resolution."""
        return Retention(
            as_reported_s=self.observed_reports_kept_h * HOUR_S,
            minutes_s=self.observed_minutes_kept_h * HOUR_S,
            ten_minutes_s=self.observed_ten_minutes_kept_days * DAY_S,
            hours_s=self.observed_hours_kept_days * DAY_S,
        )

    @property
    def webhook_addresses(self) -> AllowedAddresses:
        return AllowedAddresses(tuple(self.webhook_hosts), self.webhook_loopback)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
