from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest

from bench.faults.planner_double import PlannerDouble
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.runtime.node.plan_source import CLOCK_OFF_S_MAX, PlannerAway, PlanSource

ID = "A100-40GB/zone-a/1"


def spec(version: int) -> SubClusterSpec:
    return SubClusterSpec(ID, version, 2, (ServedModel("m", 1_000, (0, 10)),))


@pytest.fixture
def planner() -> Iterator[PlannerDouble]:
    double = PlannerDouble()
    yield double
    double.end()


def test_only_what_is_new_is_told(planner: PlannerDouble) -> None:
    async def run() -> None:
        async with httpx.AsyncClient() as client:
            source = PlanSource(planner.url, [ID, "other"], client)
            assert await source.news(None, 0) is None
            planner.activate(spec(3))
            plan = await source.news(None, 0)
            assert plan is not None
            assert (plan.plan_version, plan.sub_clusters) == (3, (spec(3),))
            assert await source.news(plan.etag, 0) is None
            asyncio.get_running_loop().call_later(0.1, planner.activate, spec(4))
            news = await source.news(plan.etag, 2.0)
            assert news is not None
            assert news.plan_version == 4

    asyncio.run(run())


def test_waves_are_told_one_by_one_and_while_they_are_ordered_nothing_is(planner: PlannerDouble) -> None:
    async def run() -> None:
        async with httpx.AsyncClient() as client:
            source = PlanSource(planner.url, [ID], client)
            planner.activate(spec(3))
            plan = await source.news(None, 0)
            assert plan is not None
            assert (plan.wave, plan.activation_id) == (None, 3)
            planner.is_ordering = True
            planner.activate(spec(4), wave=1)
            assert await source.news(plan.etag, 0) is None
            asked = planner.asked
            assert await source.news(plan.etag, 0.1) is None  # it waits for the end of the ordering
            assert planner.asked == asked + 1
            planner.is_ordering = False
            for wave in (1, 2):
                planner.activate(spec(4), wave=wave)
                news = await source.news(plan.etag, 2.0)
                assert news is not None
                assert (news.plan_version, news.wave, news.activation_id) == (4, wave, 4)
                plan = news

    asyncio.run(run())


def test_a_spare_is_asked_for_only_while_the_waves_go_through_it(planner: PlannerDouble) -> None:
    """One that has a sub-cluster's name by mistake holds nothing."""

    async def run() -> None:
        async with httpx.AsyncClient() as client:
            source = PlanSource(planner.url, ["other"], client, spares=[ID, "idle"])
            found = []
            for wave, spares in ((1, [ID]), (2, []), (3, ["elsewhere", ID]), (None, [ID])):
                planner.spares = spares
                planner.activate(spec(3), wave=wave)
                plan = await source.news(None, 0)
                assert plan is not None
                found.append(plan.sub_clusters)
            assert found == [(spec(3),), (), (spec(3),), ()]

    asyncio.run(run())


def test_a_clock_that_is_off_is_noticed(planner: PlannerDouble) -> None:
    async def run() -> None:
        async with httpx.AsyncClient() as client:
            source = PlanSource(planner.url, [ID], client)
            planner.clock_off_s = -60.0
            await source.news(None, 0)
            assert source.clock_off_s > CLOCK_OFF_S_MAX
            planner.clock_off_s = 0.0
            for _ in range(5):  # a machine that stands still between stamp and look is off once
                await source.news(None, 0)
                if abs(source.clock_off_s) < CLOCK_OFF_S_MAX:
                    return
            pytest.fail(f"still off by {source.clock_off_s} s")

    asyncio.run(run())


def test_a_planner_that_cannot_be_reached_is_away() -> None:
    async def run() -> None:
        async with httpx.AsyncClient() as client:
            with pytest.raises(PlannerAway):
                await PlanSource("http://127.0.0.1:9", [ID], client).news(None, 0)

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: httpx.Response(500, text="broken"),
        lambda request: httpx.Response(404, text="no such page"),
        lambda request: httpx.Response(200, text="<html>"),
        lambda request: httpx.Response(200, json=[1]),
        lambda request: httpx.Response(200, json={"plan_version": "x"}),
        lambda request: (
            httpx.Response(200, json={"activation_id": 1, "plan_version": 1, "state": "done", "wave": 1})
            if "rollout" in request.url.path
            else httpx.Response(200, json={"id": ""})
        ),
        lambda request: httpx.Response(200, json={}, headers={"date": "no date"}),
    ],
)
def test_an_answer_that_is_no_plan_is_a_planner_away(
    answer: Callable[[httpx.Request], httpx.Response],
) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            with pytest.raises(PlannerAway):
                await PlanSource("http://planner", [ID], client).news(None, 0)

    asyncio.run(run())
