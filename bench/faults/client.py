"""An open-loop client that keeps the story of each of its requests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import numpy as np

from bench.faults.house import BODY

GIVE_UP_S = 20.0


@dataclass(frozen=True, slots=True)
class Story:
    """One request: when it was due to be sent, how long its answer took, and what it was."""

    at_s: float
    took_s: float
    ending: str  # good, the reason of a refusal, or cut_off

    @property
    def is_good(self) -> bool:
        return self.ending == "good"


class Client(threading.Thread):
    """
    Poisson arrivals for as long as it is let; times count from when a request was due to be sent.

    ``url`` is asked for each request where it is a function.
    """

    def __init__(
        self,
        url: str | Callable[[], str],
        rate_rps: float,
        seed: int,
        model: str = "m",
        body: bytes = BODY,
    ) -> None:
        super().__init__(daemon=True)
        self.stories: list[Story] = []
        self._url = url if callable(url) else lambda: url
        self._path = f"/v2/models/{model}/infer"
        self._body = body
        self._rate_rps = rate_rps
        self._random = np.random.default_rng(seed)
        self._stopping = threading.Event()
        self.start()

    def run(self) -> None:
        asyncio.run(self._drive())

    def finish(self) -> list[Story]:
        """No more requests; all stories, once each has an end."""
        self._stopping.set()
        self.join()
        return sorted(self.stories, key=lambda story: story.at_s)

    async def _drive(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=32)
        async with (
            httpx.AsyncClient(limits=limits, timeout=GIVE_UP_S) as client,
            asyncio.TaskGroup() as asking,
        ):
            due_s = time.monotonic()
            while not self._stopping.is_set():
                due_s += float(self._random.exponential(1 / self._rate_rps))
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                asking.create_task(self._ask(client, due_s))

    async def _ask(self, client: httpx.AsyncClient, due_s: float) -> None:
        try:
            answer = await client.post(self._url() + self._path, content=self._body)
            ending = (
                "good" if answer.status_code == 200 else str(answer.json().get("reason", answer.status_code))
            )
        except httpx.TimeoutException:
            ending = "no_answer"
        except (httpx.HTTPError, ValueError):
            ending = "cut_off"
        self.stories.append(Story(due_s, time.monotonic() - due_s, ending))


def endings(stories: list[Story]) -> dict[str, int]:
    return dict(Counter(story.ending for story in stories).most_common())
