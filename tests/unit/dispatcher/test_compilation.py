from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from dispatcher.compilation import are_compiled

SOURCE = """
from numba import njit

@njit(cache=True)
def doubled(x):
    return 2 * x
"""


def kernel_of(path: Path) -> Any:
    """The function as a process of its own would load it."""
    spec = importlib.util.spec_from_file_location("compiled_once", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.doubled


def test_a_kernel_is_cold_until_it_was_called_and_again_when_its_source_changes(tmp_path: Path) -> None:
    path = tmp_path / "compiled_once.py"
    path.write_text(SOURCE, encoding="utf-8")
    first = kernel_of(path)
    assert not are_compiled([first])
    assert first(4) == 8
    assert are_compiled([first])
    assert are_compiled([kernel_of(path)]), "a second process finds it in the cache"
    path.write_text(SOURCE.replace("2 * x", "3 * x + 0"), encoding="utf-8")
    changed = kernel_of(path)
    assert not are_compiled([changed])
    assert not are_compiled([first, changed])
