"""The store's door: a unit of work is one transaction, committed where the use case ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from planner.store.audit import AuditRepository
from planner.store.engine import make_engine, writer
from planner.store.errors import StoreConflict, StoreUnavailable
from planner.store.forecasts import ForecastRepository
from planner.store.migrate import SchemaState, require_current, schema_state
from planner.store.nodes import NodeRepository
from planner.store.observed import ObservedLoadRepository
from planner.store.plans import PlanRepository
from planner.store.registry import RegistryRepository
from planner.store.runs import RunRepository

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class UnitOfWork:
    """All repositories on one transaction; ``now`` is the instant it began, the same for all of them."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.now = now
        self.registry = RegistryRepository(session, now)
        self.forecasts = ForecastRepository(session, now)
        self.runs = RunRepository(session, now)
        self.plans = PlanRepository(session, now)
        self.nodes = NodeRepository(session, now)
        self.observed = ObservedLoadRepository(session, now)
        self.audit = AuditRepository(session, now)


class Store:
    """
    A database at ``database_url`` (``sqlite:///FILE`` or ``postgresql://...``).

    ``reading()`` and ``writing()`` give units of work; the latter commits when its block ends
    and leaves nothing behind when the block raises. Both raise ``StoreUnavailable`` when the
    database cannot be reached, ``StoreConflict`` when a constraint of it was broken.
    """

    def __init__(self, database_url: str, *, clock: Clock = utc_now) -> None:
        self.database_url = database_url
        self._engine: Engine = make_engine(database_url)
        self._writer = writer(self._engine)
        self._clock = clock

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        with _translated(), Session(self._engine) as session:
            yield UnitOfWork(session, self._clock())

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        with _translated(), Session(self._writer) as session, session.begin():
            yield UnitOfWork(session, self._clock())

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
