"""
Write anew what follows from the REST API: its description and the Python client.

``python -m tools.build_client`` (``make generated``) writes ``docs/reference/openapi.json``, then
``fermata_client/generated`` (by openapi-python-client) and the two classes with a method for each operation,
``fermata_client/operations.py`` and ``fermata_client/async_operations.py``. ``write_all`` takes another
place, so that a test can compare what is committed with what would be written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from api.rest.app import create_app
from api.settings import Settings
from tools.client_methods import methods_module

ROOT = Path(__file__).resolve().parents[1]
OPENAPI = Path("docs/reference/openapi.json")
CLIENT = Path("fermata_client")
GENERATOR_CONFIG = {
    "project_name_override": "fermata-client",
    "package_name_override": "generated",
    "post_hooks": [],
    "http_timeout": 30,
    "docstrings_on_attributes": True,
}
VERSION_SHOWN = "1"
"""Of the API, not of the package: a release alone must not change the client."""


def openapi_document() -> dict[str, Any]:
    """What the server gives at ``/v1/openapi.json``, but for the package's version."""
    document = create_app(Settings(database_url="sqlite:///var/never-opened.db")).openapi()
    return {**document, "info": {**document["info"], "version": VERSION_SHOWN}}


def write_all(root: Path = ROOT) -> None:
    """Everything, below ``root``."""
    document = openapi_document()
    for folder in (OPENAPI.parent, CLIENT):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / OPENAPI).write_text(
        json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    write_client(document, root / CLIENT)
    for name, is_async in (("operations.py", False), ("async_operations.py", True)):
        text = methods_module(root / CLIENT / "generated", document, is_async=is_async)
        (root / CLIENT / name).write_text(text, encoding="utf-8", newline="\n")
    tidy(root / CLIENT)


def for_the_generator(document: dict[str, Any]) -> dict[str, Any]:
    """What it understands: bodies in JSON; and credentials are the connection's, not each call's."""
    told: dict[str, Any] = json.loads(json.dumps(document))
    for item in told["paths"].values():
        for operation in item.values():
            operation.pop("security", None)
            content = operation.get("requestBody", {}).get("content", {})
            for name in [name for name in content if name != "application/json"]:
                del content[name]
    return told


def write_client(document: dict[str, Any], package: Path) -> None:
    """``package/generated``; a part that the generator does not understand is an error, not a gap."""
    with tempfile.TemporaryDirectory() as folder:
        told, config = Path(folder) / "openapi.json", Path(folder) / "config.yaml"
        told.write_text(json.dumps(for_the_generator(document)), encoding="utf-8")
        config.write_text(yaml.safe_dump(GENERATOR_CONFIG), encoding="utf-8")
        command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--overwrite"]
        places = [
            "--path",
            str(told),
            "--output-path",
            str(package / "generated"),
            "--config",
            str(config),
        ]
        subprocess.run([*command, "--fail-on-warning", *places], check=True, stdout=subprocess.DEVNULL)


def tidy(package: Path) -> None:
    """The generator leaves formatting to others."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--isolated", "--line-length", "110", "--target-version", "py311", "--quiet", "--no-cache"]
    places = [str(package / name) for name in ("generated", "operations.py", "async_operations.py")]
    fix = ["--fix", "--exit-zero", "--select", "F401,I"]
    subprocess.run([*ruff, "check", *fix, *settings, *places], check=True)
    subprocess.run([*ruff, "format", *settings, *places], check=True)


if __name__ == "__main__":
    write_all()
