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
from planner.store.migrate import SchemaState, require_current, schema_state
from planner.store.nodes import NodeRepository
from planner.store.observed import ObservedLoadRepository
from planner.store.plans import PlanRepository
from planner.store.profile_versions import ProfileVersionRepository
from planner.store.records import DEFAULT_FLEET
from planner.store.registry import RegistryRepository
from planner.store.runs import RunRepository
from planner.store.tokens import TokenRepository

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
        self.forecasts = ForecastRepository(session, now, fleet)
        self.runs = RunRepository(session, now, fleet)
        self.plans = PlanRepository(session, now, fleet)
        self.decisions = DecisionRepository(session, now, fleet)
        self.nodes = NodeRepository(session, now, fleet)
        self.observed = ObservedLoadRepository(session, now, fleet)
        self.tokens = TokenRepository(session, now)
        self.profiles = ProfileVersionRepository(session, now, fleet)
        self.audit = AuditRepository(session, now, fleet)


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

    def of_fleet(self, fleet: str) -> Store:
        """The same connections, bound to ``fleet``, which need not exist yet; not to be closed by itself."""
        bound = copy.copy(self)
        bound.fleet = fleet
        return bound

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        with _translated(), Session(self._reader) as session:
            yield UnitOfWork(session, self._clock(), self.fleet)

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        with _translated(), Session(self._writer) as session, session.begin():
            work = UnitOfWork(session, self._clock(), self.fleet)
            yield work
            work.audit.write()

    def schema_state(self) -> SchemaState:
        return schema_state(self._engine)

    def require_current(self) -> None:
        """Raises ``SchemaOutdated`` unless the database has the schema of this version."""
        require_current(self._engine)

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """The database's complaints in the store's own words."""
    try:
        yield
    except IntegrityError as error:
        raise StoreConflict(str(error.orig)) from error
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise StoreUnavailable(str(getattr(error, "orig", error))) from error
