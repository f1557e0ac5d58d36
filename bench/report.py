"""The JSON beside a benchmark's table."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any


def write_json(path: Path | None, **content: Any) -> None:
    """Write the figures, and on what machine, how busy, they were taken; nothing where no path is given."""
    if path is None:
        return
    cores = os.cpu_count() or 1
    where = {"python": platform.python_version(), "machine": platform.machine()}
    document = where | {"cores": cores, "load_per_core": os.getloadavg()[0] / cores} | content
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
