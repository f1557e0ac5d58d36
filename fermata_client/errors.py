"""What a call may raise besides the errors of httpx."""

from __future__ import annotations

from collections.abc import Mapping

from fermata_client.generated.models import Problem

FAULTS_SHOWN = 100
"""In the text; ``problem.faults`` has the rest."""
PREFIX = "urn:fermata:problem:"


class Refused(Exception):
    """
    The server answered with a problem detail (RFC 9457).

    ``code`` is its stable name (docs/reference/errors.md), ``problem`` all of it, and
    ``problem.faults`` lists the faults of a request with status 422, ``problem.fault_count`` counts them all.
    """

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        self.problem = problem
        self.headers = headers
        self.code = problem.type_.removeprefix(PREFIX)
        self.status = problem.status
        lines = [f"{problem.status} {self.code}: {problem.detail}"]
        if problem.hint:
            lines.append(f"hint: {problem.hint}")
        faults = problem.faults or []
        lines += [f"  {fault.field}: {fault.limit}, got {fault.value}" for fault in faults[:FAULTS_SHOWN]]
        if len(faults) > FAULTS_SHOWN:
            lines.append(f"  and {(problem.fault_count or len(faults)) - FAULTS_SHOWN} more")
        super().__init__("\n".join(lines))


class NotModified(Exception):
    """The server's state is the one that ``if_none_match`` named."""


class Unexpected(Exception):
    """An answer that the API's description does not know: another server, or one between."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.content = content
        super().__init__(f"status {status}: {content[:200]!r}")


class RunUnsuccessful(Exception):
    """The run that was waited for ended without a plan; ``code`` says why (docs/reference/errors.md)."""

    def __init__(self, run_id: str, state: str, error: Mapping[str, object]) -> None:
        self.run_id = run_id
        self.state = state
        self.error = dict(error)
        self.code = str(error.get("code", state))
        super().__init__(f"run {run_id} {state}: {error.get('message', 'no plan')}")
