"""The JSON beside a benchmark's table."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any


def write_json(path: Path | None, **content: Any) -> None:
    """Write the figures, and what machine and Python they were taken on; nothing where no path is given."""
    if path is None:
        return
    document = {"python": platform.python_version(), "machine": platform.machine(), **content}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
