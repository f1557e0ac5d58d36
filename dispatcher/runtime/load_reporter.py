"""Load reports on their way to the planner: retried, bounded, never in the way of a request."""

from __future__ import annotations

import asyncio
from collections import deque

import httpx
import msgspec
import structlog

from dispatcher.contract.load_report import LoadReport
from dispatcher.runtime.credentials import planner_headers

REPORTS_KEPT_MAX = 720
"""One hour of reports at the default interval of 5 s."""

BACKOFF_S_MIN = 0.5
BACKOFF_S_MAX = 30.0
TIMEOUT_S = 10.0
TRY_AGAIN = (401, 403, 408, 425, 429)
"""A token may be mended while the reports wait."""

_log = structlog.get_logger()


class LoadReporter:
    """
    Posts reports in order to ``{url}/v1/observed-load``.

    A report that the planner cannot take now is sent again, with growing pauses; one that
    it refuses for good (4xx outside ``TRY_AGAIN``) is given up, as is the oldest when too many wait.
    Both losses are logged and counted in ``lost``.
    """

    def __init__(self, url: str, client: httpx.AsyncClient | None = None, *, fleet: str = "default") -> None:
        self._url = url.rstrip("/") + "/v1/observed-load"
        self._of_fleet = {"fleet": fleet}
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_S)
        self._waiting: deque[LoadReport] = deque()
        self._changed = asyncio.Event()
        self.sent = 0
        self.lost = 0

    def offer(self, report: LoadReport) -> None:
        """Queue one report; returns at once."""
        self._waiting.append(report)
        while len(self._waiting) > REPORTS_KEPT_MAX:
            self._lose(self._waiting.popleft(), "too many reports wait")
        self._changed.set()

    async def run(self) -> None:
        """Post for ever; to be cancelled."""
        backoff_s = BACKOFF_S_MIN
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            if await self._post(self._waiting[0]):
                backoff_s = BACKOFF_S_MIN
            else:
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)

    async def finish(self, timeout_s: float) -> None:
        """Send what waits for as long as ``timeout_s``, then close. ``run`` must have ended."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._waiting:
                    if not await self._post(self._waiting[0]):
                        await asyncio.sleep(BACKOFF_S_MIN)
        except TimeoutError:
            _log.warning("load_reports_timed_out", waiting=len(self._waiting))
        for report in self._waiting:
            self._lose(report, "the dispatcher ends")
        self._waiting.clear()
        await self._client.aclose()

    async def _post(self, report: LoadReport) -> bool:
        """True when ``report`` is dealt with, taken or refused for good; False to try again."""
        try:
            response = await self._client.post(
                self._url,
                params=self._of_fleet,
                content=msgspec.json.encode(report),
                headers={"content-type": "application/json", **planner_headers()},
            )
        except httpx.HTTPError as error:
            _log.warning("load_report_not_sent", url=self._url, error=repr(error), waiting=len(self._waiting))
            return False
        if response.status_code >= 500 or response.status_code in TRY_AGAIN:
            _log.warning("load_report_not_taken", status=response.status_code, waiting=len(self._waiting))
            return False
        if self._waiting and self._waiting[0] is report:  # else it was given up meanwhile
            self._waiting.popleft()
        if response.is_success:
            self.sent += 1
        else:
            self._lose(report, f"refused with {response.status_code}: {response.text[:500]}")
        return True

    def _lose(self, report: LoadReport, reason: str) -> None:
        self.lost += 1
        _log.error("load_report_lost", interval_start=report.interval_start, reason=reason, lost=self.lost)
