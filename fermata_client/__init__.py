"""A typed client of Fermata's REST API: ``Fermata`` waits for answers, ``AsyncFermata`` is awaited."""

from fermata_client import models
from fermata_client.errors import NotModified, Refused, RunUnsuccessful, Unexpected
from fermata_client.fermata import AsyncFermata, Fermata
from fermata_client.run_events import RunEvent

__all__ = [
    "AsyncFermata",
    "Fermata",
    "NotModified",
    "Refused",
    "RunEvent",
    "RunUnsuccessful",
    "Unexpected",
    "models",
]
