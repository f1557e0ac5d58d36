"""Settings of the server, from the environment (``FERMATA_*``) or its options: docs/reference/settings.md."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    if_match_required: bool = Field(
        default=False,
        description="Whether what is registered can be replaced or deleted only with its ETag in If-Match.",
    )
