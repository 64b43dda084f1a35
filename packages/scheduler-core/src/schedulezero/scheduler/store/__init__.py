"""The database behind the scheduler: fenced, batched, on SQLite, PostgreSQL or MySQL/MariaDB."""

from schedulezero.scheduler.store.errors import (
    CannotOpen,
    Conflict,
    DataRefused,
    Fenced,
    OutcomeUnknown,
    OwnedElsewhere,
    SchemaTooNew,
    StoreError,
    StoreUnavailable,
)
from schedulezero.scheduler.store.opening import Store
from schedulezero.scheduler.store.pages import Page

__all__ = [
    "CannotOpen",
    "Conflict",
    "DataRefused",
    "Fenced",
    "OutcomeUnknown",
    "OwnedElsewhere",
    "Page",
    "SchemaTooNew",
    "Store",
    "StoreError",
    "StoreUnavailable",
]
