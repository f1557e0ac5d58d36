"""What can go wrong between the store and its database."""

from __future__ import annotations


class StoreUnavailable(RuntimeError):
    """The database cannot be reached, or was busy for too long; trying again later may help."""


class StoreConflict(RuntimeError):
    """Two changes at once contradicted each other; the later one was not stored."""


class SchemaOutdated(RuntimeError):
    """The database's schema is not the one this version of the product needs."""

    def __init__(self, found: str | None, needed: str) -> None:
        self.found = found
        self.needed = needed
        super().__init__(f"the database is at schema {found or 'none'}, this version needs {needed}")


class BackupRefused(RuntimeError):
    """A backup or a restore that cannot be done, or must not be; ``hint`` says what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)
