"""The store's door: a unit of work is one transaction, committed where the use case ends."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from planner.store.audit import AuditRepository
from planner.store.decisions import DecisionRepository
from planner.store.engine import make_engine, reader, writer
from planner.store.errors import StoreConflict, StoreUnavailable
from planner.store.fleets import FleetRepository
from planner.store.forecasts import ForecastRepository
from planner.store.idempotency import IdempotencyRepository
from planner.store.migrate import SchemaState, require_current, schema_state
from planner.store.nodes import NodeRepository
from planner.store.observed import ObservedLoadRepository
from planner.store.plans import PlanRepository
from planner.store.profile_versions import ProfileVersionRepository
from planner.store.records import DEFAULT_FLEET
from planner.store.registry import RegistryRepository
from planner.store.registry_use import RegistryUse
from planner.store.rollouts import RolloutRepository
from planner.store.runs import RunRepository
from planner.store.schedules import ScheduleRepository
from planner.store.together import Together, together_on
from planner.store.tokens import TokenRepository
from planner.store.webhooks import WebhookRepository

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class UnitOfWork:
    """
    All repositories on one transaction; ``now`` is the instant it began, the same for all of them.

    What belongs to a fleet is seen and changed for ``fleet`` alone.
    """

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self.now = now
        self.fleet = fleet
        self.fleets = FleetRepository(session, now)
        self.registry = RegistryRepository(session, now, fleet)
        self.registry_use = RegistryUse(session, fleet)
        self.forecasts = ForecastRepository(session, now, fleet)
        self.runs = RunRepository(session, now, fleet)
        self.plans = PlanRepository(session, now, fleet)
        self.rollouts = RolloutRepository(session, now, fleet)
        self.decisions = DecisionRepository(session, now, fleet)
        self.nodes = NodeRepository(session, now, fleet)
        self.observed = ObservedLoadRepository(session, now, fleet)
        self.tokens = TokenRepository(session, now)
        self.profiles = ProfileVersionRepository(session, now, fleet)
        self.audit = AuditRepository(session, now, fleet)
        self.idempotency = IdempotencyRepository(session, now)
        self.schedules = ScheduleRepository(session, now, fleet)
        self.webhooks = WebhookRepository(session, now, fleet)


class Store:
    """
    A database at ``database_url`` (``sqlite:///FILE`` or ``postgresql://...``).

    ``reading()`` and ``writing()`` give units of work; the latter commits when its block ends
    and leaves nothing behind when the block raises. Both raise ``StoreUnavailable`` when the
    database cannot be reached, ``StoreConflict`` when a constraint of it was broken. All that ``reading()``
    reads is of one instant. They are bound to ``fleet``; ``of_fleet`` gives the same store bound to another.
    """

    def __init__(self, database_url: str, *, clock: Clock = utc_now) -> None:
        self.database_url = database_url
        self._engine: Engine = make_engine(database_url)
        self._reader = reader(self._engine)
        self._writer = writer(self._engine)
        self._clock = clock
        self.fleet = DEFAULT_FLEET

    @property
    def has_one_writer(self) -> bool:
        """Whether the database lets one transaction write at a time (SQLite)."""
        return self._engine.dialect.name == "sqlite"

    def of_fleet(self, fleet: str) -> Store:
        """The same connections, bound to ``fleet``, which need not exist yet; not to be closed by itself."""
        bound = copy.copy(self)
        bound.fleet = fleet
        return bound

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        together = together_on(self._writer)
        if together is not None and together.has_begun:
            with _translated(together):
                yield self._unit(together.look())
            return
        with _translated(), Session(self._reader) as session:
            yield self._unit(session)

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        together = together_on(self._writer)
        if together is not None:
            with _translated(together), together.part() as session:
                work = self._unit(session)
                yield work
                work.audit.write()
            return
        with _translated(), Session(self._writer) as session, session.begin():
            work = self._unit(session)
            yield work
            work.audit.write()

    def begin_together(self) -> Together:
        """A transaction for several units of work; end it by ``commit`` or its ``roll_back``."""
        return Together(self._writer)

    def commit(self, together: Together) -> None:
        """Raises as ``writing`` does."""
        with _translated(together):
            together.commit()

    @contextmanager
    def together(self) -> Iterator[Together]:
        """What the use cases called inside write, in any fleet, is committed at the end, or none of it."""
        together = self.begin_together()
        try:
            with together.joined():
                yield together
            self.commit(together)
        finally:
            together.roll_back()

    def _unit(self, session: Session) -> UnitOfWork:
        return UnitOfWork(session, self._clock(), self.fleet)

    def schema_state(self) -> SchemaState:
        return schema_state(self._engine)

    def require_current(self) -> None:
        """Raises ``SchemaOutdated`` unless the database has the schema of this version."""
        require_current(self._engine)

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _translated(together: Together | None = None) -> Iterator[None]:
    """The database's complaints in the store's own words."""
    try:
        yield
    except IntegrityError as error:
        if together is not None:
            together.is_conflicted = True
        raise StoreConflict(str(error.orig)) from error
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise StoreUnavailable(str(getattr(error, "orig", error))) from error
