"""A rollout for people who watch it: every wave, whom the open one waits for and why, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from planner.rollout.changes import Change, changes
from planner.rollout.stages import Holding
from planner.service.rollouts.confirming import (
    RUNNING,
    STARTING,
    hold_s_max,
    is_confirmed,
    parts_by_sub_cluster,
)
from planner.service.rollouts.kept import Latest, Waves, stored_plan, waves
from planner.service.rollouts.view import Progress, RolloutState, progress
from planner.service.serving import heard_lately
from planner.store.store import Store

LOADING_NAMED_MAX = 3


class WaveState(StrEnum):
    """How far one wave is."""

    DONE = "done"
    OPEN = "open"
    COMING = "coming"


@dataclass(frozen=True, slots=True)
class WaveAccount:
    """One wave; ``lost_rps`` are the requests per second, by model, that nothing carries while it is open."""

    number: int
    changes: tuple[Change, ...]
    lost_rps: Mapping[str, float]

    @property
    def gib(self) -> float:
        return sum(change.gib for change in self.changes)

    @property
    def loads(self) -> int:
        """Models to load, in each sub-cluster anew."""
        return sum(len(change.loads) for change in self.changes)

    @property
    def unloads(self) -> int:
        return sum(len(change.unloads) for change in self.changes)

    @property
    def lost_in_all_rps(self) -> float:
        return sum(self.lost_rps.values())


@dataclass(frozen=True, slots=True)
class Account:
    """
    The active plan's rollout.

    ``waits_for`` says of each sub-cluster that the open wave waits for what keeps it; at ``goes_on_at`` the
    wave is done without them. ``activated_at`` is when the plan became the active one.
    """

    progress: Progress
    activated_at: datetime
    waves: tuple[WaveAccount, ...] = ()
    waits_for: Mapping[str, str] = field(default_factory=dict)
    goes_on_at: datetime | None = None
    reasons: tuple[str, ...] = ()

    @property
    def is_under_way(self) -> bool:
        return self.progress.state in (RolloutState.ORDERING, RolloutState.WAVES)

    @property
    def lost_rps_max(self) -> float:
        return max((wave.lost_in_all_rps for wave in self.waves), default=0.0)

    def state_of(self, wave: WaveAccount) -> WaveState:
        if wave.number <= self.progress.waves_done:
            return WaveState.DONE
        return WaveState.OPEN if wave.number == self.progress.wave else WaveState.COMING


_accounts: Latest[tuple[WaveAccount, ...]] = Latest()


def account(store: Store) -> Account:
    """Raises ``NoActivePlan``."""
    at = progress(store)
    with store.reading() as work:
        activation = work.plans.activation(at.activation_id)
        reasons = () if at.waves else work.rollouts.document(at.activation_id).get("reasons", ())
        heard = heard_lately(work)
    assert activation is not None
    if not at.waves:
        return Account(at, activation.activated_at, reasons=tuple(reasons))
    found = waves(store, at.activation_id)
    told = _told(store, at, found)
    if at.wave == at.waves_done or at.moved_at is None:
        return Account(at, activation.activated_at, told)
    then, parts = found.stages[at.wave], parts_by_sub_cluster(heard)
    waits_for = {}
    for change in told[at.wave - 1].changes:
        name, own = change.sub_cluster, parts.get(change.sub_cluster, ())
        if not is_confirmed(then.get(name), own, at.activation_id, at.wave):
            waits_for[name] = kept_by(then.get(name), own, at.activation_id, at.wave)
    goes_on_at = at.moved_at + timedelta(seconds=hold_s_max(heard))
    return Account(at, activation.activated_at, told, waits_for, goes_on_at)


def kept_by(holding: Holding | None, parts: Sequence[dict[str, Any]], activation_id: int, wave: int) -> str:
    """What keeps a sub-cluster from having done its part of a wave, as its nodes say."""
    if not parts:
        return "no node speaks of it"
    for part in parts:
        if part.get("fault"):
            return str(part["fault"])
    models = set(holding.models) if holding is not None else set()
    for gpu in sorted((gpu for part in parts for gpu in part["gpus"]), key=lambda gpu: int(gpu["gpu"])):
        which = f"GPU {gpu['gpu']}"
        if gpu.get("fault"):
            return f"{which}: {gpu['fault']}"
        if gpu["state"] == STARTING:
            return f"{which} starts"
        if gpu["state"] != RUNNING:
            return f"{which} died, {gpu['starts']} starts so far"
        if missing := sorted(models - set(gpu["models"])):
            more = f" and {len(missing) - LOADING_NAMED_MAX} more" if len(missing) > LOADING_NAMED_MAX else ""
            return f"{which} loads {', '.join(missing[:LOADING_NAMED_MAX])}{more}"
    if holding is not None and not any(part["dispatcher"] for part in parts):
        return "its dispatcher does not run"
    behind = [
        part for part in parts if (part.get("activation_id"), part.get("wave")) != (activation_id, wave)
    ]
    return "its node takes the wave up" if behind else "it is about to be done"


def _told(store: Store, at: Progress, found: Waves) -> tuple[WaveAccount, ...]:
    """Of a large fleet this takes a second; it does not change."""

    def read() -> tuple[WaveAccount, ...]:
        problem = stored_plan(store, at.plan_version).problem
        return tuple(
            WaveAccount(number, changes(problem, now, then), dict(lost))
            for number, (now, then, lost) in enumerate(
                zip(found.stages, found.stages[1:], found.lost_rps, strict=False), start=1
            )
        )

    return _accounts.get((store.database_url, store.fleet, at.activation_id), read)
