"""The small distribution of the client: built, and what is in it used where nothing else of ours is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.control_plane import served, sqlite_url
from tools.build_client import CLIENT, ROOT

BUILD = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
USE = """
import sys
import fermata_client
from fermata_client import Fermata
from fermata_client.models import GpuTypeBody

assert fermata_client.__file__.startswith(sys.argv[1]), fermata_client.__file__
with Fermata(sys.argv[2]) as fermata:
    fermata.submit_gpu_types(GpuTypeBody(id="A10", memory_gib=24.0, price_usd_per_hour=1.2))
    print([each.id for each in fermata.all_gpu_types()])
ours = {"api", "planner", "dispatcher", "profiles"} & {name.split(".")[0] for name in sys.modules}
assert not ours, ours
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy of the folder, as somebody has it who has nothing but that."""
    place = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(ROOT / CLIENT, place / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-c", BUILD, str(place)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (built,) = place.glob("*.whl")
    return built


def test_it_holds_every_module_and_nothing_else(wheel: Path) -> None:
    home = ROOT / CLIENT
    modules = {f"fermata_client/{file.relative_to(home)}" for file in home.rglob("*.py")}
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
        inside = {Path(name).name: opened.read(name) for name in opened.namelist() if ".dist-info/" in name}
    assert names == modules | {"fermata_client/py.typed"}
    assert inside["LICENSE"] == (ROOT / "LICENSE").read_bytes()
    facts = message_from_bytes(inside["METADATA"])
    assert (facts["Name"], facts["License-Expression"]) == ("fermata-client", "Apache-2.0")
    assert {line.split(">")[0] for line in facts.get_all("Requires-Dist", [])} == {"attrs", "httpx"}
    assert "fermata.stream_run_events" in str(facts.get_payload())


def test_installed_alone_it_works(wheel: Path, tmp_path: Path) -> None:
    """Unpacked, which is all that installing a wheel of pure Python does; in a process without our tree."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")
    site = tmp_path / "site"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with served(sqlite_url(tmp_path), run_worker=False, scheduler=False) as client:
        used = subprocess.run(
            [sys.executable, "-c", USE, str(site), str(client.base_url)],
            env=environment | {"PYTHONPATH": str(site)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert used.returncode == 0, used.stderr
    assert used.stdout.strip() == "['A10']"
