"""What may become of a commit, and of the scheduler that makes it."""

from enum import StrEnum


class Fate(StrEnum):
    """One boundary of one history meets one of these; all its other commits go well."""

    CRASH_BEFORE_COMMIT = "killed before the commit"
    CRASH_BEFORE_EFFECTS = "killed between the commit and its effects"
    CRASH_AMID_EFFECTS = "killed amid the effects"
    CRASH_AFTER_EFFECTS = "killed after the effects"
    FAILED = "the commit fails, nothing is stored"
    UNKNOWN_AND_STORED = "the outcome is unknown, all is stored"
    UNKNOWN_AND_LOST = "the outcome is unknown, nothing is stored"
    UNKNOWN_AND_LATE = "the outcome is unknown, the commit arrives after the reload"
    TAKEN_OVER = "paused with the batch in hand, woken when another has taken over"


CRASHES = frozenset(
    {Fate.CRASH_BEFORE_COMMIT, Fate.CRASH_BEFORE_EFFECTS, Fate.CRASH_AMID_EFFECTS, Fate.CRASH_AFTER_EFFECTS}
)
