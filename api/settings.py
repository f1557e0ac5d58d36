"""Settings of the server, from the environment (``FERMATA_*``) or its options: docs/reference/settings.md."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from planner.demand.retention import DAY_S, HOUR_S, Retention

MEBIBYTE = 2**20


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
