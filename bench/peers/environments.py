"""An environment of its own for each peer, under var/peers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path("var/peers")

PACKAGES = {
    "triton": ("nvidia-pytriton==0.7.0", "numpy<2"),
    "ray": ("ray[serve]>=2.40", "numpy"),
    "bentoml": ("bentoml>=1.4", "numpy"),
    "litserve": ("litserve>=0.2.10", "numpy"),
    "mosec": ("mosec>=0.9", "numpy"),
}


def python_of(peer: str) -> Path:
    """The peer's interpreter; it need not be there yet."""
    return (ROOT / peer / "bin/python").absolute()


def version_of(peer: str) -> str:
    """What is installed, for the report."""
    package = {"triton": "nvidia-pytriton"}.get(peer, peer)
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python_of(peer), "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def set_up(peer: str) -> None:
    """Make the environment unless it is there."""
    if python_of(peer).exists():
        return
    ROOT.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", ROOT / peer], check=True)
    try:
        subprocess.run([python_of(peer), "-m", "pip", "install", "--quiet", *PACKAGES[peer]], check=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(ROOT / peer)
        raise
