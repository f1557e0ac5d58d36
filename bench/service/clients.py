"""
The clients: people who submit forecasts and look around, dispatchers that report load, one who plans.

Each sends at instants drawn beforehand and measures from when a request was due, so that a server that
falls behind cannot hide it. A write without an answer is sent again under the same ``Idempotency-Key`` until
it is acknowledged or the bench ends. Some writes are cut on purpose, in the middle or before their answer,
and some that were acknowledged are said again: the answer must be the very same.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.service import fleet
from bench.service.connection import Answer, Connection, NoAnswer
from bench.service.journal import Journal, Write

AGAIN_S = (0.2, 1.0)
TRY_LATER = (429, 503)
NOTHING_STORED = ("store-conflict", "idempotency-key-in-use")
DONE_BEFORE = (  # by a try whose answer was lost
    "plan-already-active",
    "plan-not-approvable",
    "idempotency-answer-not-kept",
)
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Load:
    """How many clients there are and how often each kind of request comes, all clients together."""

    forecasters: int = 200
    dispatchers: int = 50
    reads_rps: float = 60.0
    forecasts_rps: float = 10.0
    report_interval_s: float = 5.0
    plans: bool = True
    runs_rps: float = 0.0
    cut_share: float = 0.0
    replay_share: float = 0.0


@dataclass
class Crowd:
    """All clients, their journal, and how long their requests took, in seconds by kind of request."""

    urls: Sequence[str]
    load: Load
    seed: int
    journal: Journal = field(default_factory=Journal)
    took_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    unanswered: int = 0
    cut: int = 0
    replayed: int = 0
    refused_reads: list[str] = field(default_factory=list)
    other_answers: list[str] = field(default_factory=list)
    forecasts: deque[int] = field(default_factory=lambda: deque(maxlen=1_000))
    last_plan: int = 0

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._draw = random.Random(f"{self.seed} cuts")

    async def drive(self, seconds: float) -> None:
        """Register the fleet, then let everyone send for so long; open writes get a few seconds more."""
        await self._register()
        async with asyncio.TaskGroup() as group:
            for index in range(self.load.forecasters):
                group.create_task(self._forecast(index))
                group.create_task(self._read(index))
            for index in range(self.load.dispatchers):
                group.create_task(self._report(index))
            if self.load.plans:
                group.create_task(self._plan())
            if self.load.runs_rps:
                group.create_task(self._have_runs_made())
            await asyncio.sleep(seconds)
            self._stopping.set()

    # -- the kinds of clients

    async def _register(self) -> None:
        connection = self._connection(0)
        for path, body in fleet.REGISTRY:
            answer = await connection.ask("POST", f"/v1/{path}", body)
            if answer.status != 201:
                raise RuntimeError(f"{path}: {answer.status} {answer.body!r}")
        connection.close()

    async def _forecast(self, index: int) -> None:
        connection, draw, number = self._connection(index), random.Random(f"{self.seed} f{index}"), 0
        async for due_s in self._instants(draw, self.load.forecasts_rps / max(1, self.load.forecasters)):
            key = f"forecast-{self.seed}-{index}-{number}"
            number += 1
            write = self.journal.open("forecast", key, None)
            if await self._persist(connection, write, "/v1/forecasts", fleet.forecast(key)):
                self.took_s["submit forecast"].append(time.monotonic() - due_s)
                self.forecasts.append(write.answer[0]["id"])
        connection.close()

    async def _report(self, index: int) -> None:
        connection, draw, number = self._connection(index), random.Random(f"{self.seed} d{index}"), 0
        sub_cluster = f"sc-{self.seed}-{index}"
        async for due_s in self._instants(draw, 1 / self.load.report_interval_s):
            write = self.journal.open("load report", f"{sub_cluster}/{number}", None)
            body = fleet.load_report(sub_cluster, number, self.load.report_interval_s)
            number += 1
            if await self._persist(connection, write, "/v1/observed-load", body):
                self.took_s["report load"].append(time.monotonic() - due_s)
                if draw.random() < 0.05:  # a dispatcher that did not hear the answer says it again
                    await self._persist(connection, write, "/v1/observed-load", body)
        connection.close()

    async def _read(self, index: int) -> None:
        connection, draw = self._connection(index), random.Random(f"{self.seed} r{index}")
        async for due_s in self._instants(draw, self.load.reads_rps / max(1, self.load.forecasters)):
            path, name = self._something(draw)
            try:
                answer = await connection.ask("GET", path)
            except NoAnswer:
                self.unanswered += 1
                continue
            if answer.status == 200:
                self.took_s[f"read {name}"].append(time.monotonic() - due_s)
            elif answer.status not in TRY_LATER:
                self.refused_reads.append(f"{path}: {answer.status} {answer.body[:200]!r}")
        connection.close()

    def _something(self, draw: random.Random) -> tuple[str, str]:
        """What a person or a console looks at: path and name."""
        paths = {
            "/v1/forecasts?limit=20": "forecasts",
            "/v1/models": "models",
            "/v1/runs?limit=20": "runs",
            "/v1/plans?limit=20": "plans",
        }
        if self.forecasts:  # acknowledged ones: a number may be missing where a server died
            paths |= {f"/v1/forecasts/{draw.choice(self.forecasts)}": "forecast"}
        if self.last_plan:
            paths |= {f"/v1/plans/{self.last_plan}": "plan", "/v1/activations/current": "activation"}
        path = draw.choice(sorted(paths))
        return path, paths[path]

    async def _plan(self) -> None:
        """One run after the other; what is certified is approved and activated."""
        connection, number = self._connection(0), 0
        forecast = self.journal.open("forecast", f"plan-{self.seed}", {"epochs": 4})
        body = fleet.forecast(forecast.key, epochs=4)
        if not await self._persist(connection, forecast, "/v1/forecasts", body):
            return
        while not self._stopping.is_set():
            write = self.journal.open("run", f"run-{self.seed}-{number}", self.seed * 10_000 + number)
            number += 1
            body = {
                "forecast_id": forecast.answer[0]["id"],
                "solver": "greedy",
                "time_limit_s": 5.0,
                "seed": write.content,
            }
            if await self._persist(connection, write, "/v1/runs", body):
                await self._see_through(connection, write)
        connection.close()

    async def _see_through(self, connection: Connection, run: Write) -> None:
        state = run.answer
        while state["state"] not in ENDED and not self._stopping.is_set():
            await asyncio.sleep(0.25)
            state = await self._look(connection, f"/v1/runs/{run.answer['id']}") or state
        version = state["plan_version"]
        if version is None:
            return
        plan = await self._look(connection, f"/v1/plans/{version}")
        if plan is None:
            return
        approval = self.journal.open("approval", f"approve-{self.seed}-{version}", version)
        seen = {"plan_id": plan["plan_id"]}
        if await self._persist(connection, approval, f"/v1/plans/{version}/approval", seen):
            activation = self.journal.open("activation", f"activate-{self.seed}-{version}", version)
            if await self._persist(connection, activation, "/v1/activations", {"plan_version": version}):
                if self.load.runs_rps and self.last_plan:
                    await self._go_back(connection, self.last_plan)
                self.last_plan = version

    async def _have_runs_made(self) -> None:
        """
        Runs asked for steadily, whatever becomes of those before: some planned in an instant, some solved for
        seconds, so that faults find them at every stage.
        """
        connection, draw, number = self._connection(1), random.Random(f"{self.seed} runs"), 0
        forecast = self.journal.open("forecast", f"runs-{self.seed}", None)
        if not await self._persist(connection, forecast, "/v1/forecasts", fleet.forecast(forecast.key)):
            return
        async for due_s in self._instants(draw, self.load.runs_rps):
            seed = self.seed * 10_000 + 5_000 + number
            write = self.journal.open("run", f"steady-run-{self.seed}-{number}", seed)
            number += 1
            body = {
                "forecast_id": forecast.answer[0]["id"],
                "solver": draw.choice(("greedy", "highs")),
                "time_limit_s": 3.0,
                "seed": seed,
            }
            if await self._persist(connection, write, "/v1/runs", body):
                self.took_s["ask for a run"].append(time.monotonic() - due_s)
        connection.close()

    async def _go_back(self, connection: Connection, version: int) -> None:
        """To a plan that was active before: a run certifies it again, and may refuse to."""
        write = self.journal.open("rollback", f"rollback-{self.seed}-{version}", version)
        asked = {"plan_version": version, "reason": "the bench goes back"}
        if await self._persist(connection, write, "/v1/activations", asked):
            state = write.answer
            while state["state"] not in ENDED and not self._stopping.is_set():
                await asyncio.sleep(0.25)
                state = await self._look(connection, f"/v1/runs/{write.answer['id']}") or state

    # -- how they ask

    async def _instants(self, draw: random.Random, rate_rps: float) -> Any:
        """When the next request is due, again and again, until the bench stops."""
        due_s = time.monotonic()
        while rate_rps > 0:
            due_s += draw.expovariate(rate_rps)
            try:
                await asyncio.wait_for(self._stopping.wait(), max(0.0, due_s - time.monotonic()))
                return
            except TimeoutError:
                yield due_s

    async def _persist(self, connection: Connection, write: Write, path: str, body: Any) -> bool:
        """Send until acknowledged or refused; False if it is neither when the bench stops."""
        while True:
            write.attempts += 1
            try:
                answer = await connection.ask("POST", path, body, _keyed(write), cut=self._cut())
            except NoAnswer:
                self.unanswered += 1
                self._elsewhere(connection)
            else:
                if self._settled(write, answer):
                    if write.is_acknowledged and self._draw.random() < self.load.replay_share:
                        await self._say_again(connection, write, path, body)
                    return write.is_acknowledged
            if self._stopping.is_set():
                return False
            await asyncio.sleep(random.uniform(*AGAIN_S))

    def _cut(self) -> float | None:
        """Where to hang up in the middle of a write; mostly nowhere."""
        if self._draw.random() >= self.load.cut_share:
            return None
        self.cut += 1
        return self._draw.choice((0.5, 0.99, 1.0))

    async def _say_again(self, connection: Connection, write: Write, path: str, body: Any) -> None:
        """An acknowledged write under its key again: no second effect, the same answer."""
        try:
            answer = await connection.ask("POST", path, body, _keyed(write))
        except NoAnswer:
            self._elsewhere(connection)
            return
        if answer.status in TRY_LATER or _problem(answer) in NOTHING_STORED:
            return
        self.replayed += 1
        if answer.status >= 300 or answer.json() != write.answer:
            said = answer.body[:200].decode(errors="replace")
            self.other_answers.append(f"{write.kind} {write.key}, said again: {answer.status} {said}")

    def _settled(self, write: Write, answer: Answer) -> bool:
        if answer.status < 300:
            write.answer = answer.json()
            return True
        problem = _problem(answer)
        if answer.status in TRY_LATER or problem in NOTHING_STORED:
            return False
        if not (write.attempts > 1 and problem in DONE_BEFORE):
            said = {**answer.json(), "request_id": None} if problem else answer.body.decode(errors="replace")
            write.refusal = f"{write.kind}: {answer.status} {str(said)[:300]}"
        return True

    def _elsewhere(self, connection: Connection) -> None:
        """What a load balancer does: the next try goes to another server."""
        connection.move_to(random.choice(self.urls))

    async def _look(self, connection: Connection, path: str) -> Any:
        try:
            answer = await connection.ask("GET", path)
        except NoAnswer:
            self._elsewhere(connection)
            return None
        return answer.json() if answer.status == 200 else None

    def _connection(self, index: int) -> Connection:
        return Connection(self.urls[index % len(self.urls)])


def _keyed(write: Write) -> dict[str, str]:
    return {"Idempotency-Key": write.key}


def _problem(answer: Answer) -> str:
    """The stable name of what went wrong, if the answer is a problem detail."""
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return ""
    return str(answer.json().get("type", "")).rpartition(":")[2]
