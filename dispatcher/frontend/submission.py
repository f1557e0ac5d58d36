"""
One request to the service and one answer back, however many items it carries.

Each item is scheduled for itself, so that the items of one request may share a batch with
those of others, or go to several GPUs. The request is answered when all its items are; the first item
that gets no result ends the request, and nobody waits for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from dispatcher.frontend.infer_request import InferRequest
from dispatcher.frontend.service import Answer, Completed, InferenceService, Refusal


def submit(
    service: InferenceService, model_index: int, request: InferRequest, arrived_us: int
) -> asyncio.Future[Answer]:
    """
    The answer to the whole request, outputs of shape ``(items, *declared)``.

    Cancelling it gives up every item that has no result yet.
    """
    timeout_us, tenant = request.timeout_us, request.tenant_index
    if request.items == 1:
        return service.submit(model_index, request.inputs, arrived_us, timeout_us, tenant)
    items = [
        service.submit(
            model_index,
            tuple(array[row : row + 1] for array in request.inputs),
            arrived_us,
            timeout_us,
            tenant,
        )
        for row in range(request.items)
    ]
    return _Whole(items).answer


class _Whole:
    """Several items' answers made one."""

    def __init__(self, items: Sequence[asyncio.Future[Answer]]) -> None:
        self._items = items
        self._open = len(items)
        self.answer: asyncio.Future[Answer] = items[0].get_loop().create_future()
        self.answer.add_done_callback(self._give_up_the_rest)
        for item in items:
            item.add_done_callback(self._item_done)

    def _item_done(self, item: asyncio.Future[Answer]) -> None:
        self._open -= 1
        if self.answer.done():
            return
        error = None if item.cancelled() else item.exception()
        if error is not None:
            self.answer.set_exception(error)
        elif item.cancelled():
            self.answer.cancel()
        elif isinstance(item.result(), Refusal):
            self.answer.set_result(item.result())
        elif not self._open:
            self.answer.set_result(_joined([each.result() for each in self._items]))

    def _give_up_the_rest(self, _: asyncio.Future[Answer]) -> None:
        for item in self._items:
            item.cancel()  # without effect on one that is done


def _joined(answers: Sequence[Answer]) -> Completed:
    parts = [answer.outputs for answer in answers if isinstance(answer, Completed)]
    return Completed(tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
