"""Whatever the OpenAPI document allows or forbids: no crash, documented statuses, answers as described."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from api.rest.app import create_app
from api.settings import Settings
from tests.control_plane import forecast, load_report, register_fleet, served, sqlite_url

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES_PER_OPERATION = 10  # of each kind, sound and not
OPERATIONS = {
    operation.label: operation
    for result in schemathesis.openapi.from_dict(
        create_app(Settings(database_url="sqlite:///var/never-opened.db")).openapi()
    ).get_all_operations()
    if (operation := result.ok()) is not None
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(sqlite_url(tmp_path_factory.mktemp("fuzz")), run_worker=False) as client:
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        client.post("/v1/observed-load", json=load_report())
        client.post("/v1/runs", json={"forecast_id": 1})
        yield client


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_documented(client: httpx.Client, label: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[label]
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        pytest.skip("nothing but a name in the path to get wrong")

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES_PER_OPERATION,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.query.pop("fleet", None)  # hardly any name that is made up is a fleet's
        case.call_and_validate(base_url=str(client.base_url), checks=CHECKS)

    check()
