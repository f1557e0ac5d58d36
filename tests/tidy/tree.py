"""The files of the repository, as the tidy tests see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".html", ".css", ".service", ""}
SOURCE_FOLDERS = (
    "profiles",
    "dispatcher",
    "planner",
    "api",
    "fermata_client",
    "migrations",
    "bench",
    "tools",
    "tests",
)
GENERATED = ("fermata_client/generated", "fermata_client/operations.py", "fermata_client/async_operations.py")


def source_files() -> list[Path]:
    """Every Python file that we wrote."""
    paths = (path for folder in SOURCE_FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in paths if not str(path.relative_to(ROOT)).startswith(GENERATED))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def text_files() -> Iterator[tuple[Path, str]]:
    """Source and prose, not data and not what others wrote."""
    folders = [*SOURCE_FOLDERS, "docs", "deploy", "examples", "requirements"]
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    paths += [path for path in ROOT.iterdir() if path.is_file()]
    for path in sorted(paths):
        if path.suffix in TEXT_SUFFIXES and not {"vendor", "__pycache__"} & set(path.parts):
            yield path, path.read_text(encoding="utf-8")
