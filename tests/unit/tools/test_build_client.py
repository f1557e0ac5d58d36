"""The API's description and the Python client are what the application gives (``make generated``)."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import pytest

from fermata_client import AsyncFermata, Fermata
from tools.build_client import CLIENT, OPENAPI, ROOT, openapi_document, write_all
from tools.client_methods import operations_with_csv, streamed_operations

WRITTEN = (OPENAPI, CLIENT / "operations.py", CLIENT / "async_operations.py", CLIENT / "generated")


def texts(root: Path) -> dict[str, str]:
    files = [
        file
        for place in WRITTEN
        for file in ((root / place).rglob("*.py") if (root / place).is_dir() else [root / place])
    ]
    return {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("generated")
    write_all(root)
    return root


def test_what_is_committed_is_what_would_be_written(written: Path) -> None:
    committed, fresh = texts(ROOT), texts(written)
    assert set(committed) == set(fresh)
    assert [name for name in fresh if committed[name] != fresh[name]] == [], "run `make generated`"


def test_every_operation_has_its_method_in_both_clients() -> None:
    document = openapi_document()
    names = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    streams, takers_of_csv = streamed_operations(document), operations_with_csv(document)
    assert len(names) > 30
    assert streams == {"stream_run_events"}
    assert takers_of_csv == {"submit_forecasts"}
    names |= {f"{name}_csv" for name in takers_of_csv}
    assert [name for name in sorted(names) if not hasattr(Fermata, name)] == []
    assert [
        name for name in sorted(names) if not inspect.iscoroutinefunction(getattr(AsyncFermata, name))
    ] == sorted(streams)


def test_every_list_has_an_iterator_over_all_of_it_in_both_clients() -> None:
    """Of each list that has a cursor: nobody has to turn its pages by hand."""
    lists = {
        operation["operationId"]
        for item in openapi_document()["paths"].values()
        for operation in item.values()
        if {"after", "before"} & {parameter["name"] for parameter in operation.get("parameters", [])}
    }
    assert len(lists) > 15
    wanted = {f"all_{name.removeprefix('list_').removeprefix('get_')}" for name in lists}
    for kind, check in (
        (Fermata, inspect.isgeneratorfunction),
        (AsyncFermata, inspect.isasyncgenfunction),
    ):
        assert [name for name in sorted(wanted) if not check(getattr(kind, name, None))] == []


def test_methods_say_what_they_give() -> None:
    """No method gives ``Any``: the public use of the client is typed."""
    for kind in (Fermata, AsyncFermata):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                annotations = inspect.get_annotations(method)
                assert annotations.get("return") not in (None, "Any", "object"), name


def test_the_small_distribution_has_every_package_of_the_client() -> None:
    """Each tag of the API is a package: one that is not listed would be missing where it is installed."""
    home = ROOT / "fermata_client"
    listed = tomllib.loads((home / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "packages"
    ]
    found = {".".join(file.parent.relative_to(ROOT).parts) for file in home.rglob("__init__.py")}
    assert set(listed) == found
