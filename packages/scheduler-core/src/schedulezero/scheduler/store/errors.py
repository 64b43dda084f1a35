"""What the store cannot do, as errors that name what it means for the data and what to do about it."""

from typing import Self

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.runtime.errors import StartError


class StoreError(ScheduleZeroError):
    """Base of what the store raises."""


class CannotOpen(StoreError, StartError):
    """The database cannot be used as it is; the message is one line for the operator, with the remedy."""

    @classmethod
    def because(cls, message: str) -> Self:
        return cls.of(Code.UNAVAILABLE, message)


class OwnedElsewhere(CannotOpen):
    """Another process schedules from this database."""


class SchemaTooNew(CannotOpen):
    """The database was written by a later version of the program."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, read or written now. Nothing of what was to be written is stored."""

    @classmethod
    def because(cls, cause: object) -> Self:
        return cls.of(Code.UNAVAILABLE, f"the database cannot be used now: {cause}", retry_after=1)


class OutcomeUnknown(StoreError):
    """The transaction may have been committed or not: raise the epoch, then read what is there."""

    @classmethod
    def because(cls, cause: object) -> Self:
        message = f"the database did not say whether it has stored this: {cause}; ask again with the same key"
        return cls.of(Code.OUTCOME_UNKNOWN, message, retry_after=1)


class Fenced(StoreError):
    """Another owner has taken over, or the epoch was raised since: nothing is stored, and memory is out of date."""

    @classmethod
    def of_owner(cls, owner: str, epoch: int) -> Self:
        message = f"{owner} no longer owns its shards under epoch {epoch}: another scheduler has taken over"
        return cls.of(Code.UNAVAILABLE, message, retry_after=1)


class Conflict(StoreError):
    """A row is not as the change says it was: nothing is stored, and memory is out of date."""

    @classmethod
    def because(cls, cause: object) -> Self:
        return cls.of(Code.CONFLICT, f"the database holds something else than was remembered: {cause}", retry_after=1)


class DataRefused(StoreError):
    """The database refuses a value of this change; other changes are not affected."""

    @classmethod
    def because(cls, cause: object) -> Self:
        return cls.of(Code.INVALID_VALUE, f"the database refuses a value: {cause}")
