from __future__ import annotations

import asyncio
import json
import time

import numpy as np
import pytest

from dispatcher.frontend.load_client import DrivenModel, LoadResult, drive, drive_over, infer_body
from dispatcher.frontend.load_http import CONNECTIONS_MAX, HttpPayload, HttpTransport
from dispatcher.frontend.load_result import Reply
from dispatcher.frontend.load_transport import OnAnswer, Sending, Verdict

BODY = infer_body([("x", "FP32", (1,), (1.0,))])


class Server:
    """Answers each request on loopback with what ``answers`` says of its path; None hangs up."""

    def __init__(self, answers: dict[str, bytes | None]) -> None:
        self.answers = answers
        self.connections = 0
        self.bodies: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while line := await reader.readline():
            path = line.split()[1].decode()
            length = 0
            while (header := await reader.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            self.bodies.append(await reader.readexactly(length))
            answer = self.answers[path]
            if answer is None:
                break
            writer.write(answer)
        writer.close()


def response(status: int, body: bytes = b"{}", close: bool = False) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n" + "Connection: close\r\n" * close
    return head.encode() + b"\r\n" + body


def driven(server: Server, *models: str, count: int = 3, slo_ms: float = 60_000) -> LoadResult:
    async def run() -> LoadResult:
        listener = await asyncio.start_server(server, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        arrivals = [(0.02 * i, model) for model in models for i in range(count)]
        result = await drive(url, arrivals, {model: DrivenModel(model, slo_ms, BODY) for model in models})
        listener.close()
        return result

    return asyncio.run(run())


def test_replies_are_told_apart() -> None:
    answers = {
        "/v2/models/ok/infer": response(200),
        "/v2/models/late/infer": response(504, b'{"error":"x","reason":"late"}'),
        "/v2/models/full/infer": response(429),
        "/v2/models/busy/infer": response(503, close=True),
        "/v2/models/bad/infer": response(400),
        "/v2/models/a%2Fb/infer": None,
    }
    result = driven(Server(dict(answers)), "ok", "late", "full", "busy", "bad", "a/b")
    counts = {model.model: (model.ok, model.late, model.refused, model.error) for model in result.models}
    assert counts == {
        "ok": (3, 0, 0, 0),
        "late": (0, 3, 0, 0),
        "full": (0, 0, 3, 0),
        "busy": (0, 0, 3, 0),
        "bad": (0, 0, 0, 3),
        "a/b": (0, 0, 0, 3),
    }
    assert result.sent == 18
    assert result.bad_rate == pytest.approx(15 / 18)
    assert any("connection lost" in error for error in result.errors)


def test_an_answer_after_the_slo_is_late_by_the_clients_clock() -> None:
    result = driven(Server({"/v2/models/ok/infer": response(200)}), "ok", slo_ms=1e-6)
    assert (result.ok, result.models[0].late) == (0, 3)
    assert result.models[0].p50_ms > 0


def test_connections_are_used_again_and_bodies_arrive_whole() -> None:
    server = Server({"/v2/models/ok/infer": response(200)})
    result = driven(server, "ok", count=30)
    assert result.ok == 30
    assert server.connections < 30
    assert set(server.bodies) == {BODY}


def test_nobody_there_is_an_error_for_each() -> None:
    arrivals = [(0.0, "m")] * 5
    result = asyncio.run(drive("http://127.0.0.1:1", arrivals, {"m": DrivenModel("m", 100, BODY)}))
    assert result.models[0].error == result.sent == 5
    assert "cannot connect" in result.errors[0]


def test_progress_ends_with_all() -> None:
    seen: list[tuple[int, int]] = []
    asyncio.run(
        drive(
            "http://127.0.0.1:1",
            [(0.0, "m")],
            {"m": DrivenModel("m", 100, BODY)},
            progress=lambda sent, total: seen.append((sent, total)),
        )
    )
    assert seen[-1] == (1, 1)


class Instant:
    """A transport that answers at once, after stalling the whole client at the request ``stalled``."""

    held_back = 0

    def __init__(self, stalled: int = -1, stall_s: float = 0.0, reply: Reply = Reply.OK) -> None:
        self.stalled, self.stall_s, self.reply = stalled, stall_s, reply
        self.sent: list[Sending] = []

    async def open(self, on_answer: OnAnswer) -> None:
        self.on_answer = on_answer

    def send(self, sending: Sending) -> None:
        if len(self.sent) == self.stalled:
            time.sleep(self.stall_s)
        self.sent.append(sending)
        self.on_answer(sending, Verdict(self.reply, "" if self.reply is Reply.OK else "why"))

    async def close(self) -> None:
        return


def driven_over(transport: Instant, due: list[float], **options: float) -> LoadResult:
    arrivals = [(at_s, "m") for at_s in due]
    return asyncio.run(drive_over(transport, arrivals, {"m": 60_000.0}, **options))


def test_what_a_stall_holds_up_counts_from_when_it_was_due() -> None:
    """No coordinated omission: all that was due during the stall is late, not the one request alone."""
    stalled = Instant(stalled=5, stall_s=0.3)
    result = driven_over(stalled, [0.01 * number for number in range(40)])
    latencies_ms = np.sort(result.latencies_ms)
    assert len(latencies_ms) == 40
    assert latencies_ms[-1] >= 290
    assert (latencies_ms > 100).sum() >= 15
    assert result.send_lag_ms_max >= 250


def test_a_client_that_lags_says_so() -> None:
    lagging = LoadResult((), 1.0, send_lag_ms=2.5, errors=())
    assert (lagging.client_kept_up, lagging.send_lag_ms_allowed) == (False, 2.0)
    assert LoadResult((), 1.0, send_lag_ms=1.5, errors=()).client_kept_up


def test_the_warm_up_is_sent_and_not_counted() -> None:
    transport = Instant()
    result = driven_over(transport, [0.0, 0.05, 0.2, 0.25], warm_up_s=0.15)
    assert (len(transport.sent), result.sent, result.ok) == (4, 2, 2)


def test_bad_requests_are_counted_by_reason_and_told_in_json() -> None:
    result = driven_over(Instant(reply=Reply.REFUSED), [0.0, 0.01])
    found = result.to_json()
    assert found["bad_by_reason"] == found["models"][0]["bad_by_reason"] == {"why": 2}
    assert (found["bad_rate"], found["goodput_rps"], found["latency_ms"]) == (1.0, 0.0, None)
    json.dumps(found, allow_nan=False)


def test_requests_beyond_the_connections_are_told_as_held_back() -> None:
    async def run() -> LoadResult:
        release = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65_536):  # small requests, one at a time on a connection
                await release.wait()
                writer.write(response(200))
            writer.close()

        listener = await asyncio.start_server(slow, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        transport = HttpTransport(url, {"m": HttpPayload("/m", b"{}")})
        arrivals = [(0.0, "m")] * (CONNECTIONS_MAX + 7)
        asyncio.get_running_loop().call_later(0.5, release.set)
        driving = asyncio.create_task(drive_over(transport, arrivals, {"m": 60_000.0}))
        await release.wait()
        result = await asyncio.wait_for(driving, 60)
        listener.close()
        return result

    result = asyncio.run(run())
    assert result.held_back == 7
    assert not result.client_kept_up
