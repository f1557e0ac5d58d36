"""Query parameters that narrow lists."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from api.rest.dependencies import INTEGER_MAX
from api.rest.schemas.common import Instant

ActorFilter = Annotated[str | None, Query(max_length=200, description="Only what this actor did.")]
ForecastFilter = Annotated[
    int | None, Query(ge=1, le=INTEGER_MAX, description="Only those of this forecast.")
]
CreatedSince = Annotated[Instant | None, Query(description="Only what came to be at or after this instant.")]
CreatedUntil = Annotated[Instant | None, Query(description="Only what came to be before this instant.")]
BeforeRun = Annotated[
    str | None, Query(max_length=32, description="Only what is older than this run: `next_before` of a page.")
]
