"""The client: a method for each operation, and those that put several together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

from fermata_client.async_operations import AsyncOperations
from fermata_client.errors import RunUnsuccessful
from fermata_client.generated.models import (
    ActivationBody,
    ActivationOut,
    ApprovalBody,
    PlanSummaryOut,
    RunBody,
    RunOut,
    RunState,
)
from fermata_client.operations import Operations

POLL_S = 0.3
ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})
Watcher = Callable[[RunOut], None]


def _plan_version(run: RunOut) -> int:
    if run.state is not RunState.SUCCEEDED or run.plan_version is None:
        raise RunUnsuccessful(run.id, run.state.value, run.error.to_dict() if run.error else {})
    return run.plan_version


class Fermata(Operations):
    """
    A planner, by calls that wait for their answers.

    >>> with Fermata("http://127.0.0.1:8080") as fermata:  # doctest: +SKIP
    ...     version = fermata.plan(RunBody(forecast_id=1))
    ...     fermata.approve(version)
    ...     fermata.activate(version)
    """

    def is_ready(self) -> bool:
        """Whether the server answers and can work, asked once."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def wait_for_run(
        self, run_id: str, *, within_s: float = 86_400.0, watch: Watcher | None = None
    ) -> RunOut:
        """
        The run, once it has ended, well or not.

        ``watch`` gets the run each time that its progress has changed. Raises ``TimeoutError`` after
        ``within_s`` seconds; the run goes on.
        """
        end_s = time.monotonic() + within_s
        seen: object = None
        while True:
            run = self.get_run(run_id)
            if watch and run.progress != seen:
                seen = run.progress
                watch(run)
            if run.state in ENDED:
                return run
            if time.monotonic() > end_s:
                raise TimeoutError(f"run {run_id} is {run.state.value} after {within_s:g} s")
            time.sleep(POLL_S)

    def plan(self, request: RunBody, *, within_s: float = 86_400.0, watch: Watcher | None = None) -> int:
        """Start a run and wait for it: the version of the plan it made. Raises ``RunUnsuccessful``."""
        return _plan_version(self.wait_for_run(self.start_run(request).id, within_s=within_s, watch=watch))

    def approve(self, version: int, *, reason: str | None = None) -> PlanSummaryOut:
        """Approve a certified plan as it is now."""
        seen = self.get_plan(version)
        return self.approve_plan(version, ApprovalBody(plan_id=seen.plan_id, reason=reason))

    def activate(self, version: int, *, reason: str | None = None) -> ActivationOut:
        """
        Make an approved plan the active one; one that was active before is certified again first.

        Raises ``RunUnsuccessful`` where that fails.
        """
        done = self.activate_plan(ActivationBody(plan_version=version, reason=reason))
        if isinstance(done, RunOut):
            _plan_version(self.wait_for_run(done.id))
            return self.get_current_activation()
        return done


class AsyncFermata(AsyncOperations):
    """``Fermata``, by calls that are awaited."""

    async def is_ready(self) -> bool:
        """Whether the server answers and can work, asked once."""
        try:
            async with httpx.AsyncClient(timeout=5.0) as http:
                return (await http.get(f"{self.url}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def wait_for_run(
        self, run_id: str, *, within_s: float = 86_400.0, watch: Watcher | None = None
    ) -> RunOut:
        """The run, once it has ended; see ``Fermata.wait_for_run``."""
        end_s = time.monotonic() + within_s
        seen: object = None
        while True:
            run = await self.get_run(run_id)
            if watch and run.progress != seen:
                seen = run.progress
                watch(run)
            if run.state in ENDED:
                return run
            if time.monotonic() > end_s:
                raise TimeoutError(f"run {run_id} is {run.state.value} after {within_s:g} s")
            await asyncio.sleep(POLL_S)

    async def plan(
        self, request: RunBody, *, within_s: float = 86_400.0, watch: Watcher | None = None
    ) -> int:
        """Start a run and wait for it: the version of the plan it made. Raises ``RunUnsuccessful``."""
        started = await self.start_run(request)
        return _plan_version(await self.wait_for_run(started.id, within_s=within_s, watch=watch))

    async def approve(self, version: int, *, reason: str | None = None) -> PlanSummaryOut:
        """Approve a certified plan as it is now."""
        seen = await self.get_plan(version)
        return await self.approve_plan(version, ApprovalBody(plan_id=seen.plan_id, reason=reason))

    async def activate(self, version: int, *, reason: str | None = None) -> ActivationOut:
        """Make an approved plan the active one; see ``Fermata.activate``."""
        done = await self.activate_plan(ActivationBody(plan_version=version, reason=reason))
        if isinstance(done, RunOut):
            _plan_version(await self.wait_for_run(done.id))
            return await self.get_current_activation()
        return done
