"""Whether the server lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.rest.dependencies import ServerStoreDep, problems

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """A good answer; a bad one is a problem."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str


@router.get("/healthz", responses=problems())
def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", responses=problems(503))
def readyz(store: ServerStoreDep) -> Health:
    """The database can be reached and has the schema of this version."""
    store.require_current()
    return Health(status="ok")
