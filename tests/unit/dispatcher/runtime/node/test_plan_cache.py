from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dispatcher.contract.node_plan import NodePlan
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.runtime.files import write_atomically
from dispatcher.runtime.node.plan_cache import PlanCache

SPEC = SubClusterSpec("sc", 7, 2, (ServedModel("m", 1_000, (0, 10)),))
PLAN = NodePlan(7, '"abc"', (SPEC,))


def test_a_plan_is_kept_and_read_again(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path / "state")
    assert cache.load() is None
    cache.save(PLAN)
    assert cache.fault is None
    assert PlanCache(tmp_path / "state").load() == PLAN
    assert PLAN.of("sc") == SPEC
    assert PLAN.of("other") is None
    in_a_wave = NodePlan(7, '"abc"', (SPEC,), activation_id=3, wave=2)
    cache.save(in_a_wave)
    assert cache.load() == in_a_wave


def test_a_file_of_a_version_before_has_no_wave(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b'{"plan_version": 7, "etag": "a", "sub_clusters": []}')
    assert PlanCache(tmp_path).load() == NodePlan(7, "a", ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b'{"plan_version": 1, "etag": "", "sub_clusters": [{"id": ""}]}',
        b'{"plan_version": "x", "etag": "", "sub_clusters": []}',
        b'{"plan_version": 7, "etag": "a", "sub_clus',
    ],
)
def test_a_broken_file_is_no_plan_and_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    cache = PlanCache(tmp_path)
    assert cache.load() is None
    assert cache.fault is not None
    cache.save(PLAN)
    assert (cache.fault, cache.load()) == (None, PLAN)


def test_a_full_disk_is_said_and_the_plan_before_is_still_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = PlanCache(tmp_path)
    cache.save(PLAN)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        cache.save(NodePlan(8, '"def"', ()))
        assert cache.fault is not None
        assert "No space left" in cache.fault
    assert cache.load() == PLAN
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = PlanCache(tmp_path / "file" / "state")
    cache.save(PLAN)
    assert cache.fault is not None


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match=r"target"):
        write_atomically(tmp_path / "target", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
