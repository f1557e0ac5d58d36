"""Model pipelines: several models behind one promise, as a problem states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx

from planner.problem.names import nearest
from planner.problem.reader import Reader, join

SLO_MS_LIMIT = 1e7
RPS_LIMIT = 1e9
CV_LIMIT = 1_000.0
COUNT_LIMIT = 1_000_000
CALLS_LIMIT = 1e6
STAGES_LIMIT = 64

_PIPELINE = ("id", "slo_ms", "priority", "demand_rps", "arrival_cv", "stages")
_STAGE = ("model", "after", "calls_per_request")
_OF_THE_PIPELINE = ("slo_ms", "priority", "demand_rps", "arrival_cv")
"""What a stage's model takes from its pipeline and must not state itself."""


@dataclass(frozen=True, slots=True)
class Stage:
    """
    One model's part in a pipeline.

    Parameters
    ----------
    after
        Models whose answers it needs; empty for one that takes the request itself.
    calls_per_request
        Requests to the model for each request to the pipeline, on average.
    """

    model: str
    after: tuple[str, ...] = ()
    calls_per_request: float = 1.0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """
    A directed acyclic graph of models with one end-to-end SLO.

    ``slo_ms`` is for the whole; the models' own budgets are made of it (``planner.problem.budgets``).
    The other fields are as in a model.
    """

    id: str
    slo_ms: float
    priority: int
    demand_rps: tuple[float, ...]
    arrival_cv: float
    stages: tuple[Stage, ...]

    def graph(self) -> nx.DiGraph:
        """The models, with an edge from each to those that need its answer."""
        graph = nx.DiGraph()
        graph.add_nodes_from(stage.model for stage in self.stages)
        graph.add_edges_from((name, stage.model) for stage in self.stages for name in stage.after)
        return graph


def read_pipelines(reader: Reader, values: object, epoch_count: int) -> tuple[Pipeline, ...]:
    """The ``pipelines`` of a problem document; whether their models exist is told by ``stage_models``."""
    found: list[Pipeline] = []
    for path, value in reader.items("pipelines", values):
        pipeline = _pipeline(reader, path, value, epoch_count)
        if pipeline.id in (other.id for other in found):
            reader.refuse(join(path, "id"), pipeline.id, "must be unique")
        taken = {stage.model: other.id for other in found for stage in other.stages}
        for index, stage in enumerate(pipeline.stages):
            if stage.model in taken:
                reader.refuse(
                    f"{path}.stages[{index}].model",
                    stage.model,
                    f"must be in one pipeline, is in {taken[stage.model]!r} too",
                )
        found.append(pipeline)
    return tuple(found)


def stage_models(reader: Reader, pipelines: Sequence[Pipeline], models: object) -> object:
    """
    The ``models`` of the document, with what stages take from their pipelines filled in.

    The SLO of a stage is the whole pipeline's until the budgets are made.
    """
    if not pipelines or not isinstance(models, list | tuple):
        return models
    owner = {stage.model: (pipeline, stage) for pipeline in pipelines for stage in pipeline.stages}
    names = [
        model["id"] for model in models if isinstance(model, Mapping) and isinstance(model.get("id"), str)
    ]
    for place, pipeline in enumerate(pipelines):
        for index, stage in enumerate(pipeline.stages):
            if stage.model and stage.model not in names:
                path = f"pipelines[{place}].stages[{index}].model"
                reader.refuse(path, stage.model, "must be one of models" + nearest(stage.model, names))
    return [
        _filled(reader, f"models[{index}]", model, *owner[model["id"]])
        if isinstance(model, Mapping) and isinstance(model.get("id"), str) and model["id"] in owner
        else model
        for index, model in enumerate(models)
    ]


def pipeline_to_json(pipeline: Pipeline) -> dict[str, Any]:
    """The document that ``read_pipelines`` reads back as this pipeline."""
    return {
        "id": pipeline.id,
        "slo_ms": pipeline.slo_ms,
        "priority": pipeline.priority,
        "demand_rps": list(pipeline.demand_rps),
        "arrival_cv": pipeline.arrival_cv,
        "stages": [
            {"model": s.model, "after": list(s.after), "calls_per_request": s.calls_per_request}
            for s in pipeline.stages
        ],
    }


def without_pipeline_fields(model: Mapping[str, Any]) -> dict[str, Any]:
    """A stage's model as the document states it."""
    return {name: value for name, value in model.items() if name not in _OF_THE_PIPELINE}


def _filled(
    reader: Reader, path: str, model: Mapping[str, Any], pipeline: Pipeline, stage: Stage
) -> dict[str, Any]:
    for name in _OF_THE_PIPELINE:
        if name in model:
            reader.refuse(
                join(path, name), model[name], f"must be absent: pipeline {pipeline.id!r} states it"
            )
    return dict(model) | {
        "slo_ms": pipeline.slo_ms,
        "priority": pipeline.priority,
        "demand_rps": [min(RPS_LIMIT, rate * stage.calls_per_request) for rate in pipeline.demand_rps],
        "arrival_cv": pipeline.arrival_cv,
    }


def _pipeline(reader: Reader, path: str, value: object, epoch_count: int) -> Pipeline:
    fields = reader.object_at(path, value, _PIPELINE, ("id", "slo_ms", "demand_rps", "stages"))
    demand = tuple(
        reader.number(place, rate, least=0, most=RPS_LIMIT)
        for place, rate in reader.items(join(path, "demand_rps"), fields.get("demand_rps", []))
    )
    if isinstance(fields.get("demand_rps"), list) and len(demand) != epoch_count:
        limit = f"must have one rate for each of {epoch_count} epochs"
        reader.refuse(join(path, "demand_rps"), f"{len(demand)} rates", limit)
    return Pipeline(
        id=reader.text(join(path, "id"), fields.get("id", "-")),
        slo_ms=reader.number(join(path, "slo_ms"), fields.get("slo_ms", 1.0), above=0, most=SLO_MS_LIMIT),
        priority=reader.integer(join(path, "priority"), fields.get("priority", 1), least=1, most=COUNT_LIMIT),
        demand_rps=demand,
        arrival_cv=reader.number(
            join(path, "arrival_cv"), fields.get("arrival_cv", 1.0), least=0, most=CV_LIMIT
        ),
        stages=_stages(reader, join(path, "stages"), fields.get("stages", [])),
    )


def _stages(reader: Reader, path: str, values: object) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for place, value in reader.items(path, values, count_min=1):
        fields = reader.object_at(place, value, _STAGE, ("model",))
        stages.append(
            Stage(
                model=reader.text(join(place, "model"), fields.get("model", "-")),
                after=tuple(
                    reader.text(each, name)
                    for each, name in reader.items(join(place, "after"), fields.get("after", []))
                ),
                calls_per_request=reader.number(
                    join(place, "calls_per_request"),
                    fields.get("calls_per_request", 1.0),
                    above=0,
                    most=CALLS_LIMIT,
                ),
            )
        )
    if len(stages) > STAGES_LIMIT:
        reader.refuse(path, len(stages), f"must have at most {STAGES_LIMIT} elements")
    _refuse_bad_order(reader, path, stages)
    return tuple(stages)


def _refuse_bad_order(reader: Reader, path: str, stages: Sequence[Stage]) -> None:
    """Every stage once, after stages of the same pipeline, in no circle."""
    names = [stage.model for stage in stages]
    graph = nx.DiGraph()
    for index, stage in enumerate(stages):
        if stage.model in names[:index]:
            reader.refuse(f"{path}[{index}].model", stage.model, "must be one stage only")
        for i, name in enumerate(stage.after):
            graph.add_edge(name, stage.model)
            if name not in names:
                limit = "must be a stage of the same pipeline" + nearest(name, names)
                reader.refuse(f"{path}[{index}].after[{i}]", name, limit)
    if not nx.is_directed_acyclic_graph(graph):
        circle = [edge[0] for edge in nx.find_cycle(graph)]
        reader.refuse(path, " -> ".join([*circle, circle[0]]), "must not run in a circle")
