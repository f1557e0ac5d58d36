"""A store with a clock and nodes that say what they are told to: rollouts without a process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from api.rest.schemas.nodes import STATUS_EXAMPLE
from planner.plan.plan import Plan
from planner.service import plans
from planner.service.activation import ActivationRequest, activate
from planner.service.errors import SubClusterNotFound
from planner.service.rollouts import ordering, view
from planner.service.rollouts.conducting import FOLLOW_S, conduct, order_due
from planner.service.rollouts.view import RolloutState
from planner.store.store import Store
from tests.control_plane import START
from tests.planning import document, model, one_at_a_time
from tests.stored_plans import kept_plan

TIGHT = document(
    [
        model(name, [10.0], {"a": one_at_a_time(10.0, weights_gib=gib)})
        for name, gib in (("x", 9.0), ("y", 9.0), ("light", 1.0))
    ],
    pools={"a": 3},
)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Fleet:
    """A store with a clock, and nodes that say what they are told to say."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        problem: dict[str, Any] = TIGHT,
        names: tuple[str, ...] = ("one", "two", "three"),
    ) -> None:
        self.store = store
        self.clock = clock
        self.problem = problem
        self.names = names
        self.kept: list[dict[str, Any]] = []

    def go(self, plan: Plan) -> int:
        """The activation of a plan."""
        version = kept_plan(self.store, self.problem, plan)
        plan_id = plans.summary(self.store, version).plan_id
        plans.approve(self.store, version, plan_id=plan_id, actor="ann")
        done = activate(self.store, ActivationRequest(version), actor="bob")
        return done.id

    def turn(self) -> int:
        """The chore, until it has nothing more to do."""
        moved = 0
        order_due(self.store)
        while conduct(self.store):
            moved += 1
            assert moved < 20
        return moved

    def says(self, name: str, *models: str, wave: int | None = None, **changes: Any) -> None:
        """The node of a sub-cluster: its GPU holds the models, and it has applied the present wave."""
        where = self.at
        gpu = STATUS_EXAMPLE["sub_clusters"][0]["gpus"][0] | {"models": list(models)}
        part = STATUS_EXAMPLE["sub_clusters"][0] | {
            "id": name,
            "gpus": [gpu | changes],
            "activation_id": where.activation_id,
            "wave": where.wave if wave is None else wave,
        }
        is_kept = name in {spare["id"] for spare in self.kept}
        self._hear("keeper" if is_kept else name, [part], self.kept if is_kept else [])

    def keeps(self, *spares: str, gpus: int = 1) -> None:
        """A node that keeps GPUs for rollouts, and was heard now."""
        self.kept = [{"id": name, "gpu_type": "a", "zone": "z", "gpus": gpus} for name in spares]
        self._hear("keeper", [], self.kept)

    def _hear(self, node: str, parts: list[dict[str, Any]], spares: list[dict[str, Any]]) -> None:
        with self.store.writing() as work:
            work.nodes.hear(f"node-{node}", STATUS_EXAMPLE | {"sub_clusters": parts, "spares": spares})

    def through(self, *names: str) -> list[dict[str, set[str]]]:
        """Every sub-cluster does its part of each wave; what they were to hold in them."""
        held: list[dict[str, set[str]]] = []
        while self.at.state is RolloutState.WAVES:
            here: dict[str, set[str]] = {}
            for name in names:
                with contextlib.suppress(SubClusterNotFound):
                    spec = view.spec_at(self.store, self.at.activation_id, self.at.wave, name)
                    here[name] = {each.id for each in spec.models}
                self.says(name, *here.get(name, ()))
            held.append(here)
            assert self.details.spares == ("keep",)
            assert all(sum(own.values()) == 1.0 for own in view.routes_now(self.store)[1].values())
            self.clock.later(FOLLOW_S)
            self.turn()
            assert len(held) < 20
        return held

    @property
    def details(self) -> view.Details:
        return view.details(self.store, self.at.activation_id)

    @property
    def at(self) -> view.Progress:
        return view.progress(self.store)

    def held(self) -> dict[str, set[str]]:
        """What sub-clusters are to hold now."""
        found = {}
        for name in self.names:
            spec = view.spec_at(self.store, self.at.activation_id, self.at.wave, name)
            found[name] = {each.id for each in spec.models}
        return found

    def all_say(self) -> None:
        for name, models in self.held().items():
            self.says(name, *models)


@contextlib.contextmanager
def fleet_at(database_url: str, monkeypatch: pytest.MonkeyPatch, **of_fleet: Any) -> Iterator[Fleet]:
    """A fleet whose waves are ordered in this process."""
    clock = Clock()
    store = Store(database_url, clock=clock)
    monkeypatch.setattr(ordering, "apart", lambda function, *given, **_: function(*given))
    yield Fleet(store, clock, **of_fleet)
    store.close()
