"""The OpenAPI document is complete: a stranger can use the API from it alone."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from api.rest.problems import GENERAL_PROBLEMS
from planner.service.errors import refusals
from tests.tidy.tree import ROOT

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def has_example(document: dict[str, Any], content: dict[str, Any]) -> bool:
    if "example" in content or "examples" in content:
        return True
    return _shows(document, content["schema"])


def _shows(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    schema = resolved(document, schema)
    nested = [schema["items"]] if "items" in schema else schema.get("anyOf", [])
    page = schema.get("properties", {}).get("items", {}).get("items")
    return "examples" in schema or any(
        _shows(document, each) for each in [*nested, *([page] if page else [])]
    )


def test_every_operation_has_summary_description_and_unique_name(document: dict[str, Any]) -> None:
    found = operations(document)
    assert len(found) >= 30
    assert [
        name for name, operation in found if not (operation.get("summary") and operation.get("description"))
    ] == []
    names = [operation["operationId"] for _, operation in found]
    assert len(set(names)) == len(names)


def test_every_success_shows_an_example(document: dict[str, Any]) -> None:
    missing = [
        f"{name} {status}"
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for content in answer.get("content", {}).values()
        if not has_example(document, content)
    ]
    assert missing == []


def test_every_body_shows_an_example(document: dict[str, Any]) -> None:
    missing = [
        name
        for name, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if not has_example(document, content)
    ]
    assert missing == []


def test_every_operation_documents_its_errors_as_problem_details(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        errors = {s: a for s, a in operation["responses"].items() if s.startswith(("4", "5"))}
        assert {"422", "500", "503"} <= set(errors), name
        if "{" in name:
            assert "404" in errors, name
        for answer in errors.values():
            (content,) = answer["content"].items()
            assert content[0] == "application/problem+json"
            assert content[1]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_no_reference_leads_nowhere(document: dict[str, Any]) -> None:
    schemas = set(document["components"]["schemas"])
    assert set(re.findall(r"#/components/schemas/([^\"]+)\"", json.dumps(document))) <= schemas


def test_the_examples_of_bodies_are_accepted(client: httpx.Client, document: dict[str, Any]) -> None:
    """In the order in which they refer to one another."""
    for path in ("gpu-types", "pools", "models", "profiles", "forecasts", "observed-load"):
        content = document["paths"][f"/v1/{path}"]["post"]["requestBody"]["content"]["application/json"]
        schema = resolved(document, content["schema"]["anyOf"][0])
        answer = client.post(f"/v1/{path}", json=schema["examples"][0])
        assert answer.status_code == 201, answer.text


def test_every_problem_is_documented() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    codes = [*GENERAL_PROBLEMS, *(refusal.code for refusal in refusals())]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if f"`{code}`" not in text] == []
    documented = re.findall(r"^\| `([a-z-]+)` \| \d", text, re.MULTILINE)
    assert sorted(documented) == sorted(codes)


def test_every_operation_is_in_the_reference(document: dict[str, Any]) -> None:
    text = (ROOT / "docs/reference/rest.md").read_text(encoding="utf-8")
    assert [name for name, _ in operations(document) if f"`{name}`" not in text] == []
