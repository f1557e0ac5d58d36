from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.runtime.measures import Measures
from dispatcher.runtime.tracing import REQUESTS_MAX, BatchTraces, TracingMissing, exporting_tracer


def traced(share: float, batches: int, queued: list[tuple[int, int]]) -> tuple[ReadableSpan, ...]:
    """Spans of some batches, told through the measures as a dispatcher does."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    measures = Measures((ServedModel("m", 50_000, (0, 1_000)),), 3, 0)
    measures.on_batch = BatchTraces(provider.get_tracer("t"), ["m"], share, seed=1).batch_executed
    for _ in range(batches):
        measures.batch_executed(2, 0, 7_000, queued)
    return exporter.get_finished_spans()


def test_a_batch_is_a_span_and_its_first_requests_are_traces_of_their_own() -> None:
    spans = traced(1.0, 1, [(3_000, 1), (1_000, 40)])
    (batch,) = [span for span in spans if span.name == "fermata.batch"]
    requests = [span for span in spans if span.name == "fermata.request"]
    assert batch.attributes == {"fermata.model": "m", "fermata.gpu": 2, "fermata.batch_size": 41}
    assert len(requests) == REQUESTS_MAX
    assert len({span.context.trace_id for span in requests if span.context}) == REQUESTS_MAX
    first = requests[0]
    assert first.parent is None
    assert first.links[0].context == batch.context
    assert first.context is not None
    children = {
        span.name: span for span in spans if span.parent and span.parent.span_id == first.context.span_id
    }
    queue, execution = children["fermata.queue"], children["fermata.execution"]
    assert queue.start_time is not None
    assert queue.end_time is not None
    assert queue.end_time - queue.start_time == 3_000_000
    assert execution.start_time == queue.end_time == batch.start_time
    assert execution.end_time == first.end_time == batch.end_time


def test_only_the_share_asked_for_is_traced() -> None:
    batches = [span for span in traced(0.1, 1_000, [(0, 1)]) if span.name == "fermata.batch"]
    assert 60 < len(batches) < 140
    assert traced(0.0, 50, [(0, 1)]) == ()
    with pytest.raises(ValueError, match=r"share must be in 0\.\.1"):
        BatchTraces(None, [], 1.5)


def test_spans_are_posted_to_the_endpoint() -> None:
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        tracer, provider = exporting_tracer(f"http://127.0.0.1:{server.server_port}/v1/traces", "sc-1")
        BatchTraces(tracer, ["m"], 1.0).batch_executed(0, 0, 5_000, [(10, 1)])
        provider.shutdown()
    finally:
        server.shutdown()
        server.server_close()
    (sent,) = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    (resource,) = sent.resource_spans
    named = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (named["service.name"], named["fermata.sub_cluster"]) == ("fermata-dispatcher", "sc-1")
    names = sorted(span.name for scope in resource.scope_spans for span in scope.spans)
    assert names == ["fermata.batch", "fermata.execution", "fermata.queue", "fermata.request"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(TracingMissing, match=r"fermata-serving\[tracing\]"):
        exporting_tracer("http://127.0.0.1:1/v1/traces", "sc")
