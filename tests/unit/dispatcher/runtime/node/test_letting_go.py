"""What is kept until others serve it, asked of a planner over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bench.faults.planner_double import PlannerDouble
from dispatcher.contract.node_file import NodeSubCluster
from dispatcher.contract.node_plan import NodePlan
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.runtime.node.keeper import Keeper
from dispatcher.runtime.node.letting_go import UNKNOWN, LettingGo
from dispatcher.runtime.node.plan_source import PlannerAway, PlanSource

KEPT, MOVED = (ServedModel(name, 50_000, (0, 1_000)) for name in ("kept", "moved"))
BEFORE = SubClusterSpec("a", 1, 3, (KEPT, MOVED))
AFTER = SubClusterSpec("a", 2, 2, (KEPT,))
PLAN = NodePlan(2, '"2"', (AFTER,))


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlannerDouble]:
    monkeypatch.setattr("dispatcher.runtime.node.letting_go.LOOK_AGAIN_S", 0.01)
    double = PlannerDouble()
    yield double
    double.end()


def letting_go(
    planner: PlannerDouble,
    tmp_path: Path,
    test: Callable[[LettingGo, Keeper], Awaitable[None]],
    hold_s_max: float = 60.0,
) -> None:
    async def run() -> None:
        async with httpx.AsyncClient() as client:
            source = PlanSource(planner.url, ["a"], client)
            keeper = Keeper(NodeSubCluster("a"), tmp_path, (), silence_s_max=60)
            keeper.served = BEFORE
            async with asyncio.timeout(50):
                await test(LettingGo(source, hold_s_max), keeper)

    asyncio.run(run())


def home(id: str, *models: str, is_serving: bool = False) -> dict[str, object]:
    return {"id": id, "models": models, "is_serving": is_serving, "gpus": 1, "gpus_serving": 0}


def test_it_serves_both_until_every_home_serves(planner: PlannerDouble, tmp_path: Path) -> None:
    async def test(asked: LettingGo, keeper: Keeper) -> None:
        planner.homes = [home("a", "kept"), home("b", "moved"), home("c", "moved"), home("d", "kept")]
        first = await asked.first(keeper, PLAN)
        assert first == SubClusterSpec("a", 2, 3, (KEPT, MOVED))
        assert keeper.waits_for == ("b", "c")
        waiting = asyncio.create_task(asked.until_others_serve(keeper, PLAN))
        planner.homes = [home("b", "moved", is_serving=True), home("c", "moved")]
        while keeper.waits_for != ("c",):  # noqa: ASYNC110 (a test may poll)
            await asyncio.sleep(0.005)
        assert not waiting.done()
        planner.homes = [home("b", "moved", is_serving=True), home("c", "moved", is_serving=True)]
        await waiting
        assert keeper.waits_for == ()

    letting_go(planner, tmp_path, test)


def test_nothing_is_waited_for_that_nobody_else_is_to_serve(planner: PlannerDouble, tmp_path: Path) -> None:
    async def test(asked: LettingGo, keeper: Keeper) -> None:
        for homes in ([], [home("a", "kept"), home("d", "other")], [home("b", "moved", is_serving=True)]):
            planner.homes = homes
            assert await asked.first(keeper, PLAN) is None
        planner.homes = [home("b", "moved")]
        keeper.served = AFTER  # nothing leaves
        assert await asked.first(keeper, PLAN) is None
        keeper.served = None  # it has just started
        assert await asked.first(keeper, PLAN) is None

    letting_go(planner, tmp_path, test)


def test_a_sub_cluster_without_a_place_in_the_plan_goes_on_as_it_is(
    planner: PlannerDouble, tmp_path: Path
) -> None:
    async def test(asked: LettingGo, keeper: Keeper) -> None:
        planner.homes = [home("b", "moved")]
        assert await asked.first(keeper, NodePlan(2, '"2"', ())) == BEFORE

    letting_go(planner, tmp_path, test)


def test_a_planner_that_went_away_is_waited_for(planner: PlannerDouble, tmp_path: Path) -> None:
    async def test(asked: LettingGo, keeper: Keeper) -> None:
        planner.is_away = True
        assert await asked.first(keeper, PLAN) is not None
        assert keeper.waits_for == (UNKNOWN,)
        planner.is_away = False
        await asked.until_others_serve(keeper, PLAN)

    letting_go(planner, tmp_path, test)


def test_it_is_not_waited_for_ever(planner: PlannerDouble, tmp_path: Path) -> None:
    async def test(asked: LettingGo, keeper: Keeper) -> None:
        planner.homes = [home("b", "moved")]
        assert await asked.first(keeper, PLAN) is not None
        await asked.until_others_serve(keeper, PLAN)
        assert keeper.waits_for == ()

    letting_go(planner, tmp_path, test, hold_s_max=0.05)

    async def at_once(asked: LettingGo, keeper: Keeper) -> None:
        assert await asked.first(keeper, PLAN) is None

    letting_go(planner, tmp_path, at_once, hold_s_max=0.0)


@pytest.mark.parametrize(
    ("answer", "homes"),
    [
        (httpx.Response(404, json={"detail": "Not Found"}), ()),  # a planner of a version before
        (httpx.Response(200, json={"sub_clusters": [{"id": "b"}]}), None),
        (httpx.Response(200, json={}), None),
        (httpx.Response(500, text="broken"), None),
    ],
)
def test_what_a_planner_may_answer(answer: httpx.Response, homes: tuple[object, ...] | None) -> None:
    async def run() -> None:
        def handle(request: httpx.Request) -> httpx.Response:
            answer.request = request
            return answer

        async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
            source = PlanSource("http://planner", ["a"], client)
            if homes is not None:
                assert await source.serving(2) == homes
            else:
                with pytest.raises(PlannerAway):
                    await source.serving(2)

    asyncio.run(run())
