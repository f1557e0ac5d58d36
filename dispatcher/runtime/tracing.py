"""
Sampled traces of batches and their requests, in OpenTelemetry's form; off unless asked for.

A batch is drawn with the probability asked for, so that what tracing costs follows the batches drawn,
not the requests served. A drawn batch is a span ``fermata.batch``; each of its first requests is a trace of
its own, ``fermata.request`` with ``fermata.queue`` and ``fermata.execution``, linked to the batch.
The library is the extra ``tracing``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

REQUESTS_MAX = 8
"""Of one batch: a batch of hundreds is told by a few."""

NS_PER_US = 1_000


class TracingMissing(RuntimeError):
    """The extra is not installed."""


class BatchTraces:
    """
    Tells a tracer of batches; ``share`` in 0..1 of them.

    ``tracer`` is an OpenTelemetry tracer.
    """

    def __init__(self, tracer: Any, models: Sequence[str], share: float, seed: int | None = None) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"share must be in 0..1, got {share}.")
        self._tracer = tracer
        self._models = tuple(models)
        self._share = share
        self._random = random.Random(seed)

    def batch_executed(
        self, gpu: int, model_index: int, execution_us: int, queued: Sequence[tuple[int, int]]
    ) -> None:
        """As ``Measures.batch_executed``; to be called when the batch has just ended."""
        if self._random.random() >= self._share:
            return
        from opentelemetry.context import Context
        from opentelemetry.trace import Link

        ended_ns = time.time_ns()
        began_ns = ended_ns - execution_us * NS_PER_US
        attributes = {
            "fermata.model": self._models[model_index],
            "fermata.gpu": gpu,
            "fermata.batch_size": sum(count for _, count in queued),
        }
        nothing = Context()  # each request is the root of a trace of its own
        batch = self._tracer.start_span(
            "fermata.batch", context=nothing, start_time=began_ns, attributes=attributes
        )
        batch.end(ended_ns)
        times_us = [queued_us for queued_us, count in queued for _ in range(min(count, REQUESTS_MAX))]
        for queued_us in times_us[:REQUESTS_MAX]:
            arrived_ns = began_ns - queued_us * NS_PER_US
            request = self._tracer.start_span(
                "fermata.request",
                context=nothing,
                start_time=arrived_ns,
                attributes=attributes,
                links=[Link(batch.get_span_context())],
            )
            self._child(request, "fermata.queue", arrived_ns, began_ns)
            self._child(request, "fermata.execution", began_ns, ended_ns)
            request.end(ended_ns)

    def _child(self, parent: Any, name: str, began_ns: int, ended_ns: int) -> None:
        from opentelemetry.trace import set_span_in_context

        context = set_span_in_context(parent)
        self._tracer.start_span(name, context=context, start_time=began_ns).end(ended_ns)


def exporting_tracer(endpoint: str, sub_cluster: str) -> tuple[Any, Any]:
    """
    A tracer that posts to ``endpoint`` (OTLP over HTTP) in the background, and its provider, to be shut down.

    Raises ``TracingMissing``.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingMissing(
            f"tracing: needs the extra `tracing` (pip install 'fermata-serving[tracing]'): {error}"
        ) from error
    resource = Resource.create({"service.name": "fermata-dispatcher", "fermata.sub_cluster": sub_cluster})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider.get_tracer("fermata"), provider
