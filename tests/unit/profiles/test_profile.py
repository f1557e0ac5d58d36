"""Profiles and GPU types: what they refuse, and how a planning problem takes them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from profiles.codec import gpu_type_to_json, profile_to_json
from profiles.gpu_types import GpuType
from profiles.latency import AffineCurve, TabulatedCurve
from profiles.memory import Precision
from profiles.profile import Profile, Provenance, ProvenanceKind

PROVENANCE = Provenance(
    ProvenanceKind.MEASURED, "a bench", "2026-01-02T03:04:05Z", "", "a CPU", "an engine", Precision.FP32
)


def a_profile(**changes: Any) -> Profile:
    profile = Profile(
        model="m",
        gpu_type="g",
        curve=AffineCurve(1_234.5678, 10.0),
        weights_gib=1.5,
        workspace_gib_per_item=0.25,
        batch_size_max=16,
        load_time_s=2.5,
        mape=0.01,
        points=((1, 1_250.0), (16, 19_763.0)),
        provenance=PROVENANCE,
    )
    return dataclasses.replace(profile, **changes)


def test_memory_is_weights_and_workspace_of_the_batch() -> None:
    assert a_profile().memory_gib(4) == 2.5


@pytest.mark.parametrize(
    "changes",
    [
        {"weights_gib": -1.0},
        {"weights_gib": math.nan},
        {"workspace_gib_per_item": math.inf},
        {"load_time_s": -0.1},
        {"mape": math.nan},
        {"batch_size_max": 0},
        {"curve": TabulatedCurve((1, 8), (1.0, 2.0))},
    ],
)
def test_profile_refuses_what_cannot_be(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|beyond the last knot"):
        a_profile(**changes)


def test_affine_profile_as_json() -> None:
    data = profile_to_json(a_profile())
    provenance = data.pop("provenance")
    assert data == {
        "alpha_ms": 1.234568,
        "beta_ms": 0.01,
        "weights_gib": 1.5,
        "workspace_gib_per_item": 0.25,
        "batch_size_max": 16,
    }
    assert provenance == {
        "kind": "measured",
        "source": "a bench",
        "revision": "2026-01-02T03:04:05Z",
        "licence": "",
        "measured_on": "a CPU",
        "engine": "an engine",
        "precision": "FP32",
        "load_time_s": 2.5,
        "mape": 0.01,
        "points_ms": [[1, 1.25], [16, 19.763]],
    }


def test_tabulated_profile_as_json() -> None:
    data = profile_to_json(a_profile(curve=TabulatedCurve((1, 16), (1_250.0, 19_763.0))))
    assert data["latency_ms"] == [[1, 1.25], [16, 19.763]]
    assert "alpha_ms" not in data


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_gib": 0.0},
        {"memory_gib": math.inf},
        {"reserve_gib": -1.0},
        {"reserve_gib": 16.0},
        {"price_usd_per_hour": -0.1},
        {"price_usd_per_hour": math.nan},
    ],
)
def test_gpu_type_refuses_what_cannot_be(changes: dict[str, float]) -> None:
    figures = {"memory_gib": 16.0, "reserve_gib": 2.0, "price_usd_per_hour": 1.0} | changes
    with pytest.raises(ValueError, match="must be"):
        GpuType("g", **figures, price_source="", memory_source="")


def test_gpu_type_as_json() -> None:
    gpu_type = GpuType("g", 16.0, 2.0, 0.5, "a price list", "a data sheet")
    assert gpu_type.usable_gib == 14.0
    assert gpu_type_to_json(gpu_type) == {
        "id": "g",
        "memory_gib": 16.0,
        "reserve_gib": 2.0,
        "price_usd_per_hour": 0.5,
    }
