"""A rollout as JSON: waves, their steps and the steps back, GiB, seconds and what is lost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from planner.rollout.steps import AddGpus, Load, RemoveGpus, Rollout, Step, Switch, Unload, Wave

KINDS: dict[type[Step], str] = {
    Load: "load",
    Unload: "unload",
    AddGpus: "add_gpus",
    RemoveGpus: "remove_gpus",
    Switch: "switch",
}


def rollout_to_json(found: Rollout) -> dict[str, Any]:
    return {
        "epoch_before": found.epoch_before,
        "epoch": found.epoch,
        "gib": round(found.gib, 6),
        "churn_gib": round(found.churn_gib, 6),
        "duration_s": round(found.duration_s, 3),
        "load_gib_per_s": found.load_gib_per_s,
        "lost_requests": round(found.lost_requests, 3),
        "lost_rps_max": round(found.lost_rps_max, 6),
        "spares": list(found.spares),
        "sub_clusters": [cluster.id for cluster in found.after.sub_clusters],
        "waves": [_wave(wave) for wave in found.waves],
    }


def _wave(wave: Wave) -> dict[str, Any]:
    return {
        "duration_s": round(wave.duration_s, 3),
        "gib": round(wave.gib, 6),
        "lost_rps": {model: round(rate, 6) for model, rate in wave.lost_rps},
        "lost_requests": round(wave.lost_requests, 3),
        "steps": [_step(step) for step in wave.steps],
        "back": [_step(step) for step in wave.back],
    }


def _step(step: Step) -> dict[str, Any]:
    return {"step": KINDS[type(step)], **asdict(step)}
