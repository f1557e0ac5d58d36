"""The commands of docs/reference/rest.md, run in their order, answer what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane import served, sqlite_url
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs/reference/rest.md"
EXAMPLES = re.findall(r"```sh\n(.*?)```\n```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
MARK = "--- the next answer ---"


def agrees(said: Any, found: Any) -> bool:
    """What the page says holds; it may leave out fields, not elements."""
    if isinstance(said, dict):
        return isinstance(found, dict) and all(k in found and agrees(v, found[k]) for k, v in said.items())
    if isinstance(said, list):
        return len(said) == len(found) and all(map(agrees, said, found))
    return bool(said == found)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands are curl's")
def test_every_command_answers_what_the_page_says(tmp_path: Path) -> None:
    script = f'\nprintf "\\n{MARK}\\n"\n'.join(["set -eu", *(command for command, _ in EXAMPLES)])
    with served(sqlite_url(tmp_path)) as client:
        environment = {**os.environ, "FERMATA": str(client.base_url), "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(text) for text in done.stdout.split(MARK)[1:]]
    assert len(answers) == len(EXAMPLES) >= 14
    for (command, said), found in zip(EXAMPLES, answers, strict=True):
        assert agrees(json.loads(said), found), f"{command}\nsaid: {said}\nfound: {json.dumps(found)}"
