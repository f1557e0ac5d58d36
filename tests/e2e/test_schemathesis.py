"""
Whatever the OpenAPI document allows or forbids: no crash, documented statuses, answers as described.

Schemathesis asks every operation for its examples, for every limit of every parameter and field from
either side, for drawn data sound and not, and for chains of operations that use one another's answers. The
seed is fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from planner.service.access import Scope
from planner.store.store import Store
from tests.access import issue
from tests.control_plane import forecast, load_report, register_fleet, served, sqlite_url

CONFIG: dict[str, Any] = {
    "seed": 1,
    "generation": {"max-examples": 3, "deterministic": True, "database": "none"},
    "phases": {"coverage": {"unexpected-methods": ["PATCH"]}},
    # A sound body may name what is not registered: that it is refused is no fault.
    "checks": {"positive_data_acceptance": {"enabled": False}},
    # An event stream is described as the text that it is; the check wants a schema of its events.
    "operations": [
        # These begin a process each. Not for all: a stream would never be let go.
        {"include-path": "/v1/replays", "request-timeout": 90},
        {"include-path": "/v1/plans/{version}/rollout", "request-timeout": 90},
        {
            "include-path": "/v1/plans/{version}/explanation",
            "request-timeout": 90,
            "parameters": {"time_limit_s": 0.5},
        },
        # Nor with runs that others asked for: nobody makes them here, and their streams never end.
        {
            "include-path": "/v1/runs/{run_id}/events",
            "request-timeout": 5,
            "checks": {"response_schema_conformance": {"enabled": False}},
            "phases": {"stateful": {"enabled": False}},
        },
        # A run that is cancelled stays on record.
        {"include-path": "/v1/runs/{run_id}", "checks": {"use_after_free": {"enabled": False}}},
        # Else the fuzzer comes upon the token that it uses itself, and the rest is 401.
        {"include-path": "/v1/tokens/{token_id}", "enabled": False},
        {"include-path": "/v1/tokens/{token_id}/rotation", "enabled": False},
    ],
    # A token has its own name, and that header is not looked at.
    "parameters": {"fleet": "default", "X-Actor": "fuzz"},
}
CHECKS_MIN = 5_000
"""Far fewer are made only if a phase was left out."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    url = sqlite_url(tmp_path_factory.mktemp("fuzz"))
    with served(
        url, run_worker=False, strangers_per_s_max=0, reads_per_s_max=0, writes_per_s_max=0
    ) as client:
        store = Store(url)
        client.headers["Authorization"] = f"Bearer {issue(store, 'all', *Scope).token}"
        store.close()
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        client.post("/v1/observed-load", json=load_report())
        client.post("/v1/runs", json={"forecast_id": 1})
        yield client


def failures_of(event: events.ScenarioFinished) -> Iterator[tuple[str, str]]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info:
                failure = check.failure_info
                yield f"{event.recorder.label}: {check.name}", f"{failure.failure}\n{failure.code_sample}"


def test_answers_are_as_documented(client: httpx.Client) -> None:
    config = SchemathesisConfig.from_dict(
        CONFIG | {"headers": {"Authorization": client.headers["Authorization"]}}
    )
    schema = schemathesis.openapi.from_url(f"{client.base_url}/v1/openapi.json", config=config)
    failures: dict[str, str] = {}
    phases: dict[str, str] = {}
    made: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.PhaseFinished):
            phases[event.phase.name.value] = event.status.value
        if isinstance(event, events.ScenarioFinished):
            statuses.update(
                interaction.response.status_code
                for interaction in event.recorder.interactions.values()
                if interaction.response is not None
            )
            made[event.phase.value] += sum(map(len, event.recorder.checks.values()))
            failures |= dict(failures_of(event))
        if isinstance(event, events.NonFatalError):
            failures[event.label] = str(event.value)
        if isinstance(event, events.FatalError):
            raise event.exception
    assert not failures, "\n\n".join(f"{name}\n{text}" for name, text in sorted(failures.items()))
    for phase in ("examples", "coverage", "fuzzing", "stateful"):
        assert phases[phase] == "success", phases
    assert sum(made.values()) > CHECKS_MIN, made
    assert statuses[401] + statuses[403] + statuses[429] < 0.3 * statuses.total(), statuses
    assert statuses[200] + statuses[201] > 100, statuses
