"""
Several units of work in one transaction.

Use cases open and commit units of work of their own. Where two of them, or one and a note of its answer, must
count together or not at all, whoever calls them opens a ``Together`` first: until it ends, each ``writing()``
of that store becomes a part of it (a savepoint), and each ``reading()`` sees what was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

_current: ContextVar[Together | None] = ContextVar("together", default=None)


class Together:
    """
    A transaction on ``writer`` that units of work join; it begins with the first of them that writes.

    Used by one thread at a time, though not always the same one.
    """

    def __init__(self, writer: Engine) -> None:
        self._writer = writer
        self._session: Session | None = None
        self.is_conflicted = False

    @property
    def has_begun(self) -> bool:
        return self._session is not None

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Units of work opened inside, in this context, are part of it."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @contextmanager
    def part(self) -> Iterator[Session]:
        """One unit of work: undone alone when its block raises."""
        if self._session is None:
            self._session = Session(self._writer)
            self._session.begin()
        self._session.expire_all()  # what others committed since the last part is to be seen
        with self._session.begin_nested():
            yield self._session

    def look(self) -> Session:
        """For reading what was written so far; only once it has begun."""
        if self._session is None:
            raise ValueError("the transaction has not begun.")
        self._session.expire_all()
        return self._session

    def commit(self) -> None:
        if self._session is not None:
            try:
                self._session.commit()
            finally:
                self._session.close()
                self._session = None

    def roll_back(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.close()


def together_on(writer: Engine) -> Together | None:
    """The transaction to join on this engine, if one is open in this context."""
    current = _current.get()
    return current if current is not None and current._writer is writer else None
