"""The section `[farm]`: its name, its time zone, where its data lies, and what is due when."""

import os
import re
from datetime import time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from trellis.config import Configuration, Section
from trellis.folders import DataFolder

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class ScheduleTable(Section):
    """A daily scan of some plants, or of all of them, at a local time of day.

    `plants` is `"all"` or a list of names from the wall. `missed` says what becomes of a run that was due while nothing
    ran: `skip` it, or `run` it once if it is no more than `within_hours` late; either way it stays a row with a reason.
    """

    name: str = Field(default="daily", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    plants: Literal["all"] | tuple[str, ...] = "all"
    daily_at: str = "06:00"
    enabled: bool = True
    missed: Literal["skip", "run"] = "run"
    within_hours: float = Field(default=6.0, gt=0, le=24)

    @field_validator("daily_at")
    @classmethod
    def _is_a_time_of_day(cls, value: str) -> str:
        if not _TIME_OF_DAY.fullmatch(value):
            raise ValueError("a time of day is HH:MM from 00:00 to 23:59")
        return value

    @property
    def local_time(self) -> time:
        """`daily_at` as a naive local time."""
        return time.fromisoformat(self.daily_at)


class WorkersTable(Section):
    """How many reconstructions run at once, how politely, and when one counts as hanging.

    `nice` is added to the process's niceness; `memory_bytes` (0: no limit) bounds each worker's address space;
    a worker that shows no sign of life for `silent_s` is killed, and one that died is tried `retries` times more.
    """

    count: int = Field(default=1, ge=1, le=64)
    threads: int = Field(default=0, ge=0, le=256)
    nice: int = Field(default=10, ge=0, le=19)
    memory_bytes: int = Field(default=0, ge=0)
    silent_s: float = Field(default=120.0, gt=1)
    retries: int = Field(default=1, ge=0, le=10)


class FarmSection(Section):
    """The farm.

    `timezone` is an IANA name; every schedule's time of day is local to it. `data_folder` is relative to the
    configuration file. `database_url` is empty for SQLite inside the data folder. `reconstruct` says whether a scan
    that ends is turned into a model and a mass at once.
    """

    name: str = "Trellis farm"
    timezone: str = "UTC"
    data_folder: str = "data"
    database_url: str = ""
    reconstruct: bool = True
    schedules: tuple[ScheduleTable, ...] = ()
    workers: WorkersTable = WorkersTable()

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("not an IANA time zone; write one such as 'Europe/Berlin' or 'UTC'") from error
        return value

    @model_validator(mode="after")
    def _has_distinct_schedules(self) -> "FarmSection":
        names = [schedule.name for schedule in self.schedules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"schedules need different names; {', '.join(twice)} stands twice")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def data_folder(configuration: Configuration) -> DataFolder:
    """The farm's data folder: `TRELLIS_DATA` from the environment if set, else what `[farm] data_folder` says."""
    override = os.environ.get("TRELLIS_DATA")
    chosen = Path(override) if override else configuration.resolve(configuration.section(FarmSection).data_folder)
    return DataFolder(chosen.resolve())
