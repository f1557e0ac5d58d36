from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from dispatcher.contract.load_report import LoadReport
from dispatcher.runtime import load_reporter
from dispatcher.runtime.load_reporter import REPORTS_KEPT_MAX, LoadReporter


def report(number: int) -> LoadReport:
    return LoadReport("sc", 1, f"2026-01-01T00:00:{number:02}+00:00", 1.0, 1, 0.5, ())


class Planner:
    """Answers with ``statuses`` in turn, then 202."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.taken: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://planner/base/v1/observed-load?fleet=default"
        status = self.statuses.pop(0) if self.statuses else 202
        if status == 0:
            raise httpx.ConnectError("down")
        if status == 202:
            self.taken.append(json.loads(request.content)["interval_start"][17:19])
        return httpx.Response(status)


def reporting(planner: Planner, *numbers: int) -> LoadReporter:
    async def run() -> LoadReporter:
        client = httpx.AsyncClient(transport=httpx.MockTransport(planner))
        reporter = LoadReporter("http://planner/base/", client)
        task = asyncio.create_task(reporter.run())
        for number in numbers:
            reporter.offer(report(number))
        for _ in range(1_000):
            if reporter.sent + reporter.lost == len(numbers):
                break
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await reporter.finish(1.0)
        return reporter

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_reporter, "BACKOFF_S_MIN", 0.001)


def test_reports_arrive_in_order_however_often_the_planner_fails() -> None:
    planner = Planner(0, 503, 202, 429, 500)
    reporter = reporting(planner, 1, 2, 3)
    assert planner.taken == ["01", "02", "03"]
    assert (reporter.sent, reporter.lost) == (3, 0)


def test_a_report_refused_for_good_does_not_block_the_next() -> None:
    planner = Planner(422)
    reporter = reporting(planner, 1, 2)
    assert planner.taken == ["02"]
    assert (reporter.sent, reporter.lost) == (1, 1)


def test_the_backlog_is_bounded_and_its_loss_counted() -> None:
    async def run() -> LoadReporter:
        planner = Planner(*[0] * 10_000)
        reporter = LoadReporter(
            "http://planner/base", httpx.AsyncClient(transport=httpx.MockTransport(planner))
        )
        for number in range(REPORTS_KEPT_MAX + 5):
            reporter.offer(report(number % 60))
        assert reporter.lost == 5
        await reporter.finish(0.01)
        return reporter

    assert asyncio.run(run()).lost == REPORTS_KEPT_MAX + 5
