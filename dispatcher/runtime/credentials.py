"""
The token that daemons and commands show the planner: ``FERMATA_TOKEN``, or the file ``FERMATA_TOKEN_FILE``.

The file is read again for each request: a token that is rotated needs no restart.
"""

from __future__ import annotations

import os
from pathlib import Path


def planner_headers() -> dict[str, str]:
    """``Authorization``, or nothing where no token is set. A file that cannot be read counts as none."""
    token = os.environ.get("FERMATA_TOKEN", "").strip()
    file = os.environ.get("FERMATA_TOKEN_FILE")
    if file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except OSError:
            return {}
    return {"Authorization": f"Bearer {token}"} if token else {}
