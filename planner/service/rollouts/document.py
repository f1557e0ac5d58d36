"""
The waves of an activation as they are stored.

``start`` is what sub-clusters hold before the first wave; each wave says what is other after it, null where
a sub-cluster is gone, and what it loses. Those on GPUs kept for rollouts are marked ``is_spare``. Where
there are no waves nodes take the plan up at once, for the ``reasons`` given, or because nothing moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.rollout.stages import Held, Holding, Stage, Stages


def document_at_once(reasons: Sequence[str] = ()) -> dict[str, Any]:
    return {"reasons": list(reasons)}


def document_of(found: Stages, problem_versions: Sequence[int]) -> dict[str, Any]:
    """``problem_versions`` are earlier plans, whose problems know what the plan does not hold any more."""
    waves = []
    for now, then, lost in zip(found.stages, found.stages[1:], found.lost_rps, strict=False):
        names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
        changes = {name: _holding(then[name]) if name in then else None for name in names}
        waves.append({"changes": changes, "lost_rps": dict(lost)})
    return {
        "start": stage_to_json(found.stages[0]),
        "waves": waves,
        "problem_versions": list(problem_versions),
    }


def stages_of(document: dict[str, Any]) -> Stages:
    """Of a document with waves."""
    stages = [stage_from_json(document["start"])]
    for wave in document["waves"]:
        stage = dict(stages[-1])
        for name, content in wave["changes"].items():
            if content is None:
                stage.pop(name, None)
            else:
                stage[name] = _parsed(content)
        stages.append(stage)
    lost = tuple(tuple(sorted(wave["lost_rps"].items())) for wave in document["waves"])
    return Stages(tuple(stages), lost)


def stage_to_json(stage: Stage) -> dict[str, Any]:
    return {name: _holding(holding) for name, holding in sorted(stage.items())}


def stage_from_json(content: dict[str, Any]) -> Stage:
    return {name: _parsed(holding) for name, holding in content.items()}


def _holding(holding: Holding) -> dict[str, Any]:
    models = {model: [held.batch_size, held.share] for model, held in sorted(holding.models.items())}
    content = {
        "gpu_type": holding.gpu_type,
        "zone": holding.zone,
        "gpus": holding.gpus,
        "models": models,
    }
    return content | ({"is_spare": True} if holding.is_spare else {})


def _parsed(content: dict[str, Any]) -> Holding:
    models = {model: Held(batch_size, share) for model, (batch_size, share) in content["models"].items()}
    is_spare = content.get("is_spare", False)
    return Holding(content["gpu_type"], content["zone"], content["gpus"], models, is_spare)
