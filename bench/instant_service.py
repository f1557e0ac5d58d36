"""A service that answers at once, behind both doors: what is left is what the doors cost."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Sequence

import uvloop

from dispatcher.contract.sub_cluster import ServedModel, Tenant, Tensor
from dispatcher.frontend.service import Answer, Completed, ModelStatistics
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.doors import Doors

INPUT = Tensor("x", "FP32", (256,))
MODEL = ServedModel("m", 1_000_000, (0, 1, 1), inputs=(INPUT,), outputs=(Tensor("y", "FP32", (256,)),))


class InstantService:
    """Gives the input back."""

    models: Sequence[ServedModel] = (MODEL,)
    tenants: Sequence[Tenant] = ()
    ready = True

    def now_us(self) -> int:
        return now_us()

    def admits(self, model_index: int) -> bool:
        return True

    def set_admitted(self, model_index: int, admitted: bool) -> None:
        raise NotImplementedError("it always serves its model")

    def statistics(self, model_index: int) -> ModelStatistics:
        return ModelStatistics()

    def submit(
        self,
        model_index: int,
        inputs: tuple[Array, ...],
        arrived_us: int,
        timeout_us: int | None,
        tenant_index: int = 0,
    ) -> asyncio.Future[Answer]:
        """Answered in the next turn of the loop, as a live sub-cluster at its quickest."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        loop.call_soon(_answer, answer, Completed(inputs))
        return answer

    def note_invalid(self, model_index: int) -> None:
        return

    def metrics_text(self) -> str:
        return ""


def _answer(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)


def serve() -> None:
    """Print the doors' addresses as JSON and serve until the standard input ends."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)  # as the dispatcher has it
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())


async def _serve() -> None:
    doors = Doors(InstantService(), "127.0.0.1", 0, 0)
    await doors.start()
    print(json.dumps({"http_url": doors.http_url, "grpc_address": doors.grpc_address}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await doors.stop()
