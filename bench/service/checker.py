"""
Compares journal and store: nothing acknowledged lost, nothing stored twice or unasked, one active plan.

It reads the store's own repositories after the servers are gone: no cache answers for the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from bench.service import fleet
from bench.service.journal import Journal
from planner.demand.load_frame import instant_us
from planner.store.records import PlanState, RunRecord
from planner.store.store import Store, UnitOfWork

EVERYTHING = 10_000_000
COUNTED = ("arrived", "served_in_time", "late", "dropped", "rejected")


def violations(journal: Journal, database_url: str, *, report_interval_s: float = 5.0) -> list[str]:
    """Every way in which journal and store contradict each other, in words."""
    store = Store(database_url)
    try:
        with store.reading() as work:
            return [
                *_forecasts(journal, work),
                *_load_reports(journal, work, report_interval_s),
                *_runs(journal, work),
                *_plans(journal, work),
            ]
    finally:
        store.close()


def _forecasts(journal: Journal, work: UnitOfWork) -> list[str]:
    stored = work.forecasts.newest(limit=EVERYTHING)
    times = Counter(summary.name for summary in stored)
    asked = {write.key: write for write in journal.of_kind("forecast")}
    found = [f"forecast {name} is stored {count} times" for name, count in times.items() if count > 1]
    found += [f"forecast {name} is stored and was never asked for" for name in times if name not in asked]
    by_id = {summary.id: summary.name for summary in stored}
    for write in journal.acknowledged("forecast"):
        forecast_id = write.answer[0]["id"]
        if by_id.get(forecast_id) != write.key:
            found.append(f"forecast {write.key} was acknowledged as {forecast_id} and is not stored")
            continue
        epochs = (write.content or {}).get("epochs", fleet.EPOCHS)
        asked_for = fleet.forecast(write.key, epochs=epochs)
        kept = work.forecasts.get(forecast_id)
        rows = [(m.model, list(m.demand_rps), list(m.arrival_cv)) for m in kept.models] if kept else []
        if rows != [(m["model"], m["demand_rps"], m["arrival_cv"]) for m in asked_for["models"]]:
            found.append(f"forecast {write.key} is stored with other numbers")
    return found


def _load_reports(journal: Journal, work: UnitOfWork, interval_s: float) -> list[str]:
    stored = _reported(work)
    found, asked = [], set()
    for write in journal.of_kind("load report"):
        sub_cluster, _, number = write.key.rpartition("/")
        expected = fleet.load_report(sub_cluster, int(number), interval_s)
        place = sub_cluster, instant_us(datetime.fromisoformat(expected["interval_start"]))
        asked.add(place)
        kept = stored.get(place, [])
        if write.is_acknowledged and not kept:
            found.append(f"load report {write.key} was acknowledged and is not stored")
        if len(kept) > len(expected["models"]):
            found.append(f"load report {write.key} is stored more than once")
        elif kept and sorted(kept) != _loads(expected["models"]):
            found.append(f"load report {write.key} is stored with other numbers")
    found += [f"load report {place} is stored and was never sent" for place in stored if place not in asked]
    return found


def _reported(work: UnitOfWork) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
    """What is stored of each interval of each sub-cluster, a row a model."""
    frame = work.observed.frame()
    columns = [frame.column(name).tolist() for name in COUNTED]
    stored: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
    for row, (source, start_us) in enumerate(
        zip(frame.source.tolist(), frame.start_us.tolist(), strict=True)
    ):
        told = frame.sources[source]
        stored[told.sub_cluster, start_us].append((told.model, *(column[row] for column in columns)))
    return stored


def _loads(models: Any) -> list[tuple[Any, ...]]:
    return sorted((model["model"], *(model[name] for name in COUNTED)) for model in models)


def _runs(journal: Journal, work: UnitOfWork) -> list[str]:
    stored = {run.id: run for run in work.runs.newest(limit=EVERYTHING)}
    times = Counter(run.options.get("seed") for run in stored.values() if "kind" not in run.options)
    found = [f"the run of seed {seed} is stored {count} times" for seed, count in times.items() if count > 1]
    asked = {write.content for write in journal.of_kind("run")}
    found += [
        f"a run of seed {seed} is stored and was never asked for" for seed in times if seed not in asked
    ]
    found += _rollbacks(journal, stored)
    for write in journal.acknowledged("run") + journal.acknowledged("rollback"):
        run = stored.get(write.answer["id"])
        if run is None:
            found.append(f"{write.key} was acknowledged as {write.answer['id']} and is not stored")
        elif not run.state.is_final:
            found.append(f"{write.key} never ended: it is {run.state}, attempt {run.attempts}")
    made = Counter(plan.run_id for plan in work.plans.newest(limit=EVERYTHING))
    found += [f"run {run_id} made {count} plans" for run_id, count in made.items() if count > 1]
    for run in stored.values():
        if (run.state == "succeeded") != (run.id in made):
            found.append(f"run {run.id} is {run.state} and made {made[run.id]} plans")
        found += _told(run, work)
    return found


def _rollbacks(journal: Journal, stored: Mapping[str, RunRecord]) -> list[str]:
    """A plan that was active is certified again by one run for each time that somebody asked for it."""
    again = Counter(run.options["plan_version"] for run in stored.values() if "kind" in run.options)
    asked = Counter(write.content for write in journal.of_kind("rollback"))
    return [
        f"plan {version} is certified again by {count} runs and was asked for {asked[version]} times"
        for version, count in again.items()
        if count > asked[version]
    ]


def outcomes(database_url: str) -> dict[str, int]:
    """How the runs ended, why those failed that did, and how many were taken up again after a fault."""
    store = Store(database_url)
    try:
        with store.reading() as work:
            runs = work.runs.newest(limit=EVERYTHING)
    finally:
        store.close()
    found = Counter(str(run.state) if run.error is None else f"failed: {run.error['code']}" for run in runs)
    found["taken up again"] = sum(run.attempts > 1 for run in runs)
    return dict(sorted(found.items()))


def _told(run: RunRecord, work: UnitOfWork) -> list[str]:
    """Its events say how it went: every attempt by its number, and one end, which comes last."""
    states = [event.data for event in work.runs.events.after({run.id: 0}) if event.kind == "state"]
    said = [state["state"] for state in states]
    ends = [state for state in said if state in ("succeeded", "failed", "cancelled")]
    found = []
    if said[:1] != ["queued"] or (run.state.is_final and (ends != [run.state] or said[-1] != run.state)):
        found.append(f"run {run.id} is {run.state} and its events say {said}")
    attempts = [state["attempt"] for state in states if state["state"] == "running"]
    if run.state.is_final and attempts[-1:] != [run.attempts]:
        found.append(f"run {run.id} had {run.attempts} attempts and its events say {attempts}")
    return found


def _plans(journal: Journal, work: UnitOfWork) -> list[str]:
    states = {plan.version: plan.state for plan in work.plans.newest(limit=EVERYTHING)}
    activations = sorted(work.plans.activations(limit=EVERYTHING), key=lambda activation: activation.id)
    found = []
    for write in journal.acknowledged("approval"):
        if states.get(write.content) in (None, PlanState.DRAFT, PlanState.CERTIFIED):
            found.append(f"plan {write.content} was approved and is {states.get(write.content)}")
    times = Counter(activation.plan_version for activation in activations)
    by_id = {activation.id: activation.plan_version for activation in activations}
    for write in journal.acknowledged("activation"):
        if by_id.get(write.answer["id"]) != write.content:
            found.append(f"the activation of plan {write.content} was acknowledged and is not stored")
    found += [f"plan {version} was activated {count} times" for version, count in times.items() if count > 1]
    active = [version for version, state in states.items() if state is PlanState.ACTIVE]
    open_ones = [a.plan_version for a in activations if a.deactivated_at is None]
    if active != open_ones or len(active) > 1:
        found.append(f"active plans {active}, activations in force {open_ones}")
    for before, after in pairwise(activations):
        if before.deactivated_at is None or before.deactivated_at > after.activated_at:
            found.append(f"activations {before.id} and {after.id} overlap")
    return found
