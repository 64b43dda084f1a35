"""The trigger that fires once."""

from dataclasses import dataclass

from schedulezero.protocol.triggers import DateTrigger
from schedulezero.scheduler.core.triggers.instants import iso
from schedulezero.scheduler.core.triggers.mismatch import Mismatch
from schedulezero.scheduler.core.triggers.trigger import SearchedTrigger
from schedulezero.scheduler.core.triggers.written_times import parse_instant, parse_local
from schedulezero.scheduler.core.triggers.zones import Zone, wall_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShot(SearchedTrigger):
    """Fires at `fire`. `remark` says what a clock change made of the local time that was asked for."""

    fire: int
    remark: str | None
    description: str

    def next(self, after: int) -> int | None:
        return self.fire if after < self.fire else None

    def remarks(self, fire: int) -> list[str]:
        return [self.remark] if self.remark is not None and fire == self.fire else []

    def why_not(self, instant: int) -> Mismatch | None:
        return None if instant == self.fire else Mismatch(field="run_date", rule="once", bound=self.fire)


def anchored(config: DateTrigger, zone: Zone) -> DateTrigger:
    parse_instant(config.run_date, zone, "run_date")
    return config


def compiled(config: DateTrigger, zone: Zone) -> OneShot:
    fire = parse_instant(config.run_date, zone, "run_date")
    local = parse_local(config.run_date, "run_date")
    remark = zone.remark(wall_of(local)) if local.tzinfo is None else None
    return OneShot(fire=fire, remark=remark, description=f"date[{iso(fire)}]")
