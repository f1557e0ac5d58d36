"""How a run ends without a plan."""

from __future__ import annotations

from typing import Any


class RunFailed(Exception):
    """The run ends without a plan; ``error`` is what its row will say."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        self.error = {"code": code, "message": message, **details}
        super().__init__(message)
