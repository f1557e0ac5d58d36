"""
``Idempotency-Key`` on every POST: the same request sent again has no second effect and the same answer.

The key is reserved in a transaction of its own before the request is carried out. What the request then
writes, and its answer, are committed together: a server that dies at any instant has either done nothing, and
the key is free again once the reservation has run out, or everything, and the answer is on record.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from anyio import CancelScope, CapacityLimiter, Semaphore, to_thread
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rest.body_limit import refused_body
from api.rest.dependencies import problems
from api.rest.problems import general
from planner.service.outage import reason_of
from planner.store.errors import StoreConflict, StoreUnavailable
from planner.store.idempotency import KeptAnswer, KeyedRequest, Reservation, Standing
from planner.store.records import DEFAULT_FLEET
from planner.store.store import Store
from planner.store.together import Together
from profiles.faults import Fault

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_FORM = re.compile(r'^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255}))$')
CONCLUDING_THREADS = 8
TURNS = 32
"""So many keyed requests are carried out at a time; threads and connections are left for all others."""
HOLD = timedelta(seconds=60)
"""How long a reservation stands without an answer. A request that takes longer may find its key taken by a
second attempt, and then comes to nothing itself."""
NOT_KEPT = frozenset({401, 403, 408, 413, 425, 429})
"""Refused before anything was looked at: asked again, the answer may well be another."""
HEADERS_NOT_KEPT = frozenset({"set-cookie", "date", "server", "x-request-id"})

log = logging.getLogger(__name__)

PrincipalOf = Callable[[Scope], str]


class IdempotencyMiddleware:
    """
    Holds POST requests with a key to one effect and one answer.

    Parameters
    ----------
    principal_of
        Whose the key is: two who happen upon the same key do not meet.
    keep_s
        How long answers are kept, seconds.
    """

    def __init__(self, app: ASGIApp, store: Store, principal_of: PrincipalOf, keep_s: float) -> None:
        self._app = app
        self._store = store
        self._principal_of = principal_of
        self._keep = timedelta(seconds=keep_s)
        # SQLite has one writer at a time: who waits for that does so here, in order, and takes up no thread.
        self._turn = Semaphore(1 if store.has_one_writer else TURNS)
        # Its own threads: all others may be waiting for the very lock that what is concluded here holds.
        self._concluding = CapacityLimiter(CONCLUDING_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get(KEY) if scope["type"] == "http" else None
        if given is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        key = KEY_FORM.match(given)
        if key is None:
            await _malformed(request, given)(scope, receive, send)
            return
        try:
            body = await _whole_body(receive)
        except HTTPException as refused:
            await refused_body(request, refused)(scope, receive, send)
            return
        if body is None:
            return
        keyed = self._keyed(scope, key[1] or key[2], body)
        async with self._turn:
            answer = await self._answer(keyed, request, scope, _given(body, receive))
        await answer(scope, receive, send)

    async def _answer(
        self, keyed: KeyedRequest, request: Request, scope: Scope, receive: Receive
    ) -> Response:
        try:
            reservation = await run_in_threadpool(self._reserve, keyed)
        except StoreUnavailable as error:
            return _unavailable(request, error)
        if reservation.standing is Standing.RESERVED:
            return await self._carry_out(keyed, request, scope, receive)
        return _refusal(request, reservation)

    def _keyed(self, scope: Scope, key: str, body: bytes) -> KeyedRequest:
        asked = sha256()
        for part in (scope["path"].encode(), scope["query_string"], body):
            asked.update(len(part).to_bytes(8, "big") + part)
        return KeyedRequest(
            fleet=QueryParams(scope["query_string"]).get("fleet", DEFAULT_FLEET)[:100],
            principal=self._principal_of(scope)[:200],
            key_digest=sha256(key.encode()).hexdigest(),
            request_digest=asked.hexdigest(),
            token=secrets.token_hex(16),
        )

    def _reserve(self, keyed: KeyedRequest) -> Reservation:
        with self._store.writing() as work:
            return work.idempotency.reserve(keyed, hold=HOLD, keep=self._keep)

    async def _carry_out(
        self, keyed: KeyedRequest, request: Request, scope: Scope, receive: Receive
    ) -> Response:
        """The answer of the application, its effects committed along with it."""
        together, caught = self._store.begin_together(), _Caught()
        try:
            with together.joined():
                await self._app(scope, receive, caught.send)
            answer = caught.response()
            return await to_thread.run_sync(
                self._conclude, keyed, together, request, answer, limiter=self._concluding
            )
        except BaseException:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._abandon, keyed, together, limiter=self._concluding)
            raise

    def _conclude(
        self, keyed: KeyedRequest, together: Together, request: Request, answer: Response
    ) -> Response:
        if answer.status_code >= 500 or answer.status_code in NOT_KEPT or together.is_conflicted:
            self._abandon(keyed, together)
            return answer
        try:
            with together.joined(), self._store.writing() as work:
                is_ours = work.idempotency.finish(keyed, _kept(answer))
            if is_ours:
                self._store.commit(together)
                return answer
        except StoreConflict:
            self._abandon(keyed, together)
            return general(
                request, "store-conflict", "nothing was stored", hint="read the state again, then retry"
            )
        except StoreUnavailable as error:
            self._abandon(keyed, together)
            return _unavailable(request, error)
        together.roll_back()  # it took so long that another attempt was let in
        return _refusal(request, Reservation(Standing.IN_FLIGHT))

    def _abandon(self, keyed: KeyedRequest, together: Together) -> None:
        """Nothing was done; the key is free. Should even that fail, it is free when the reservation ends."""
        try:
            together.roll_back()
            with self._store.writing() as work:
                work.idempotency.release(keyed)
        except (StoreUnavailable, StoreConflict) as error:
            log.warning("an idempotency key stays reserved for a while: %s", reason_of(error))


@dataclass(slots=True)
class _Caught:
    """An answer held back until it may be sent."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def response(self) -> Response:
        answer = Response(bytes(self.body), self.status)
        answer.raw_headers = self.headers
        return answer


def _kept(answer: Response) -> KeptAnswer:
    """What is stored; a body that nobody may store (it shows a secret once) is not."""
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in answer.raw_headers
        if name.decode("latin-1").lower() not in HEADERS_NOT_KEPT
    )
    secret = "no-store" in answer.headers.get("cache-control", "")
    return KeptAnswer(answer.status_code, headers, None if secret else bytes(answer.body))


def _refusal(request: Request, reservation: Reservation) -> Response:
    kept = reservation.answer
    if reservation.standing is Standing.ANSWERED and kept is not None:
        if kept.body is None:
            detail = f"it was carried out (status {kept.status}); its answer held a secret and was not kept"
            hint = "remove what it made, and ask again with a new key"
            return general(request, "idempotency-answer-not-kept", detail, hint=hint)
        answer = Response(kept.body, kept.status)
        answer.raw_headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in kept.headers]
        answer.headers[REPLAYED] = "true"
        return answer
    if reservation.standing is Standing.OTHER_REQUEST:
        detail = f"the {KEY} was used before, with another request"
        return general(request, "idempotency-key-reused", detail, hint="use a new key for a new request")
    detail = "a request with this key is being carried out"
    return general(request, "idempotency-key-in-use", detail, headers={"Retry-After": "1"})


def _malformed(request: Request, given: str) -> Response:
    limit = "must be 1 to 255 visible ASCII characters, bare or in double quotes"
    fault = Fault(KEY, repr(given[:80]), limit)
    return general(request, "input-invalid", "the request has 1 fault(s)", faults=[fault])


def _unavailable(request: Request, error: Exception) -> Response:
    log.error("the database cannot be reached: %s", reason_of(error))
    detail = "the database cannot be reached or was busy for too long; nothing was stored"
    return general(request, "store-unavailable", detail, headers={"Retry-After": "5"})


async def _whole_body(receive: Receive) -> bytes | None:
    """None where the client left before it had said all."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _given(body: bytes, receive: Receive) -> Receive:
    """The body again, for the application; then whatever else comes."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def principal_of(scope: Scope) -> str:
    """Whose a key is: of who was recognised at the door, and of the name given for the audit log."""
    recognised = getattr(scope.get("state", {}).get("principal"), "id", "")
    return f"{recognised}:{Headers(scope=scope).get('X-Actor', 'anonymous')}"


def document_keys(document: dict[str, Any]) -> None:
    """Every POST of an OpenAPI document takes a key, and may answer that it was used."""
    for item in document["paths"].values():
        if "post" in item:
            item["post"].setdefault("parameters", []).append(PARAMETER)
            item["post"]["responses"].setdefault("409", CONFLICT)


CONFLICT = problems(409)[409]
PARAMETER: dict[str, Any] = {
    "name": KEY,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 257},
    "description": "Sent again with the same key, the request has no second effect and the same answer.",
}
