"""The content-derived id of a plan: two plans with the same id are the same plan, with the same evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def plan_id(plan: Mapping[str, Any], problem_digest: str, certificate: Mapping[str, Any] | None) -> str:
    """
    SHA-256, in hex, of the canonical JSON of ``{"certificate", "plan", "problem_digest"}``.

    ``plan`` and ``certificate`` are the documents as stored (``plan_to_json``, ``certificate_to_json``; None
    where there is none). Canonical: keys sorted, no white space, numbers as Python writes them, ASCII.
    The version, the state, who made the plan and when are no part of it. Raises ``ValueError`` for NaN.
    """
    content = {"certificate": certificate, "plan": plan, "problem_digest": problem_digest}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
