"""Profiles and GPU types as the JSON that planning problems are written in."""

from __future__ import annotations

from profiles.gpu_types import GpuType
from profiles.latency import AffineCurve
from profiles.profile import Profile

DIGITS = 6  # of a millisecond: to the nanosecond
GIB_DIGITS = 9  # of a GiB: to the byte


def profile_to_json(profile: Profile) -> dict[str, object]:
    """
    One entry of a problem's ``profiles``: the curve in milliseconds, memory in GiB, provenance beside.

    ``provenance`` also holds what planning does not ask for: load time, fit error, measured points.
    """
    curve = profile.curve
    latency: dict[str, object]
    if isinstance(curve, AffineCurve):
        latency = {
            "alpha_ms": round(curve.alpha_us / 1_000, DIGITS),
            "beta_ms": round(curve.beta_us / 1_000, DIGITS),
        }
    else:
        knots = zip(curve.batch_sizes, curve.latencies_us, strict=True)
        latency = {"latency_ms": [[size, round(us / 1_000, DIGITS)] for size, us in knots]}
    provenance = profile.provenance
    return {
        **latency,
        "weights_gib": round(profile.weights_gib, GIB_DIGITS),
        "workspace_gib_per_item": round(profile.workspace_gib_per_item, GIB_DIGITS),
        "batch_size_max": profile.batch_size_max,
        "provenance": {
            "kind": provenance.kind.value,
            "source": provenance.source,
            "revision": provenance.revision,
            "licence": provenance.licence,
            "measured_on": provenance.measured_on,
            "engine": provenance.engine,
            "precision": provenance.precision.value,
            "load_time_s": round(profile.load_time_s, 3),
            "mape": round(profile.mape, DIGITS),
            "points_ms": [[size, round(us / 1_000, DIGITS)] for size, us in profile.points],
        },
    }


def gpu_type_to_json(gpu_type: GpuType) -> dict[str, object]:
    """One entry of a problem's ``gpu_types``."""
    return {
        "id": gpu_type.id,
        "memory_gib": gpu_type.memory_gib,
        "reserve_gib": gpu_type.reserve_gib,
        "price_usd_per_hour": gpu_type.price_usd_per_hour,
    }
