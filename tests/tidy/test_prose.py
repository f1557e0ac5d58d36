"""What the repository says: no machine's paths, no download addresses, every command documented."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from api.cli.main import app
from tests.tidy.tree import ROOT, text_files

WORDS = (
    *(
        "model",
        "profile",
        "curve",
        "GPU",
        "sub-cluster",
        "SLO",
        "deadline",
        "candidate",
        "schedulable window",
    ),
    *(
        "frontrun",
        "goodput",
        "throughput",
        "drop",
        "reject",
        "bad rate",
        "demand",
        "forecast",
        "observed load",
    ),
    *("headroom", "epoch", "horizon", "churn", "incumbent", "bound", "gap", "certificate", "excuse"),
    *("bottleneck", "migration", "hold factor", "physical gap", "size class"),
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(root|home|work|Users)/")


def test_no_path_of_one_machine() -> None:
    here = Path(__file__).resolve()
    found = [path for path, text in text_files() if path != here and MACHINE_PATH.search(text)]
    assert [str(path.relative_to(ROOT)) for path in found] == []


def test_requirements_are_pinned_with_hashes_and_name_no_address() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        pins = re.findall(r"^[a-z0-9][^\s]*==[^\s]+", text, re.MULTILINE | re.IGNORECASE)
        blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
        assert pins
        assert all("--hash=sha256:" in block for block in blocks), path.name


def commands() -> list[str]:
    """Every command's full name, groups left out."""
    found: list[str] = []

    def walk(prefix: str, command: object) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(prefix)
            return
        for name, child in children.items():
            walk(f"{prefix} {name}", child)

    walk("fermata", typer.main.get_command(app))
    return found


def test_every_command_is_documented() -> None:
    reference = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert [name for name in commands() if f"## `{name}" not in reference] == []


def test_every_command_has_json_and_an_example_in_its_help() -> None:
    def walk(prefix: str, command: object) -> None:
        children = getattr(command, "commands", None)
        if children is not None:
            for name, child in children.items():
                walk(f"{prefix} {name}", child)
            return
        options = {option for parameter in command.params for option in parameter.opts}  # type: ignore[attr-defined]
        assert "--json" in options, prefix
        assert "Example" in (command.help or ""), prefix  # type: ignore[attr-defined]

    walk("fermata", typer.main.get_command(app))


def test_schemas_in_the_docs_are_the_packaged_ones() -> None:
    for name, home in (
        ("problem", "planner/problem"),
        ("plan", "planner/plan"),
        ("scenario", "dispatcher/simulation"),
    ):
        documented = (ROOT / f"docs/reference/{name}.schema.json").read_text(encoding="utf-8")
        assert documented == (ROOT / home / f"{name}.schema.json").read_text(encoding="utf-8")


def test_every_word_of_the_style_has_its_glossary_line() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    assert [word for word in WORDS if f"**{word}" not in glossary] == []


def test_local_links_in_the_docs_lead_somewhere() -> None:
    broken = []
    for path, text in text_files():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text):
            if not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)} -> {target}")
    assert broken == []
