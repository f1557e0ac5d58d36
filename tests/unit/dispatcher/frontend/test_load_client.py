from __future__ import annotations

import asyncio

import pytest

from dispatcher.frontend.load_client import DrivenModel, LoadResult, drive, infer_body

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
