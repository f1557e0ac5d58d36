"""A service for the doors' own tests: it answers at once, and remembers what it was asked."""

from __future__ import annotations

import asyncio

import numpy as np

from dispatcher.contract.sub_cluster import ServedModel, Tenant, Tensor
from dispatcher.frontend.service import Answer, Completed, ModelStatistics, Reason, Refusal
from dispatcher.frontend.tensors import Array

TWICE = ServedModel(
    "twice/now",
    50_000,
    (0, 100, 200, 300),
    inputs=(Tensor("x", "FP32", (2,)), Tensor("n", "INT64", ())),
    outputs=(Tensor("y", "FP32", (2,)), Tensor("n", "INT64", ())),
)


class Twice:
    """
    Doubles x and hands n back; refuses every item with ``refusal``, or those whose n is ``refused_n``.

    ``silent`` keeps every answer back, in ``kept``.
    """

    def __init__(self, *tenants: Tenant) -> None:
        self.models = (TWICE,)
        self.tenants = tenants
        self.renew()

    def renew(self) -> None:
        """Forget what was asked, and serve."""
        self.tenants_asking: list[int] = []
        self.ready = True
        self.refusal: Refusal | None = None
        self.refused_n: int | None = None
        self.silent = False
        self.kept: list[asyncio.Future[Answer]] = []
        self.timeouts: list[int | None] = []
        self.invalid = 0
        self.admitted = True

    def now_us(self) -> int:
        return 17

    def admits(self, model_index: int) -> bool:
        assert model_index == 0
        return self.admitted

    def set_admitted(self, model_index: int, admitted: bool) -> None:
        assert model_index == 0
        self.admitted = admitted

    def statistics(self, model_index: int) -> ModelStatistics:
        assert model_index == 0
        return ModelStatistics(
            3, 3_000, 1, 50, 4, 1_600, 1_200, 1_700_000_000_000, ((1, 2, 200), (2, 1, 200))
        )

    def submit(
        self,
        model_index: int,
        inputs: tuple[Array, ...],
        arrived_us: int,
        timeout_us: int | None,
        tenant_index: int = 0,
    ) -> asyncio.Future[Answer]:
        assert (model_index, arrived_us) == (0, 17)
        assert all(len(array) == 1 for array in inputs)
        self.timeouts.append(timeout_us)
        self.tenants_asking.append(tenant_index)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self.silent:
            self.kept.append(answer)
            return answer
        with np.errstate(over="ignore"):
            result = Completed((inputs[0] * 2, inputs[1]))
        refused = Refusal(Reason.WINDOW, "not this one") if inputs[1][0] == self.refused_n else None
        answer.set_result(self.refusal or refused or result)
        return answer

    def note_invalid(self, model_index: int) -> None:
        self.invalid += 1

    def metrics_text(self) -> str:
        return "fermata_plan_version 1\n"
