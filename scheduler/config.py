"""The section `[farm]`: its name, its time zone, where its data lies, and what is due when."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from scheduler.hours import Hours, Span
from scheduler.recurrence import fault_in
from trellis.config import Configuration, Section
from trellis.folders import DataFolder

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class ScheduleTable(Section):
    """Scans of some plants, or of all of them, again and again at local times.

    `plants` is `"all"` or a list of names from the wall. When: `daily_at` a time of day, on `days` of the week
    (`"mon"` to `"sun"`) if there are any; or `cron`, five fields; or `rrule` (RFC 5545), which counts from midnight of
    `starts`. `missed` says what becomes of a turn that was due while nothing ran: `skip` it, `run` the newest once if
    it is no more than `within_hours` late, or run `all`; each stays a row with a reason. `closed` says what becomes of
    one that is due outside `[farm] lights_on` or in `quiet` hours: `wait` until they are over, or `skip` it. A scan
    that failed is tried `retries` times more, after the others.
    """

    name: str = Field(default="daily", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    plants: Literal["all"] | tuple[str, ...] = "all"
    daily_at: str = "06:00"
    days: tuple[str, ...] = ()
    cron: str = ""
    rrule: str = ""
    starts: date = date(2024, 1, 1)
    enabled: bool = True
    missed: Literal["skip", "run", "all"] = "run"
    within_hours: float = Field(default=6.0, gt=0, le=840)
    closed: Literal["wait", "skip"] = "wait"
    retries: int = Field(default=2, ge=0, le=10)

    @field_validator("daily_at")
    @classmethod
    def _is_a_time_of_day(cls, value: str) -> str:
        if not _TIME_OF_DAY.fullmatch(value):
            raise ValueError("a time of day is HH:MM from 00:00 to 23:59")
        return value

    @model_validator(mode="after")
    def _has_one_rule(self) -> "ScheduleTable":
        given = [key for key in ("daily_at", "cron", "rrule") if key in self.model_fields_set and getattr(self, key)]
        if len(given) > 1 or (self.days and (self.cron or self.rrule)):
            raise ValueError("a schedule has one of daily_at (with days), cron and rrule")
        fault = fault_in(self)
        if fault is not None:
            raise ValueError(f"the rule of schedule {self.name!r} {fault}")
        return self


class WorkersTable(Section):
    """How many reconstructions run at once, how politely, and when one counts as hanging.

    `nice` is added to the process's niceness; `memory_bytes` bounds each worker's address space, and what it and its
    children hold in memory; at 0 the latter is three quarters of the machine's memory, shared by `count`. A worker that
    shows no sign of life for `silent_s` is killed, and one that died is tried `retries` times more. Whoever does a job
    holds a lease on it that he renews; `lease_s` after he was last heard of, another may do it.

    With `scheduler`, the address of a Dask scheduler (`tcp://...`), the machines that `trellis worker` joined to it do
    the jobs instead; `storage_url` (`s3://bucket/folder`) is where photographs and results travel if those do not
    share the data folder.
    """

    count: int = Field(default=1, ge=1, le=64)
    threads: int = Field(default=0, ge=0, le=256)
    nice: int = Field(default=10, ge=0, le=19)
    memory_bytes: int = Field(default=0, ge=0)
    silent_s: float = Field(default=120.0, gt=1)
    retries: int = Field(default=1, ge=0, le=10)
    lease_s: float = Field(default=60.0, ge=1)
    scheduler: str = Field(default="", pattern=r"^$|^(tcp|tls)://.+:[0-9]+$")
    storage_url: str = ""


class DiskTable(Section):
    """What of the disk is to stay free: no scan begins that would take it, and those that wait go on above it."""

    keep_free_bytes: int = Field(default=500_000_000, ge=0)


class RetentionTable(Section):
    """After how many days photographs and models (clouds, meshes) of a scan may go; 0: never. Numbers always stay."""

    photographs_days: int = Field(default=0, ge=0)
    models_days: int = Field(default=0, ge=0)


class MetricsTable(Section):
    """Where Prometheus may ask the daemon; `port` 0: nowhere. Whoever reaches the address can read the figures."""

    address: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)


class NoticesTable(Section):
    """Whom `trellis notify` tells what, by whatever apprise knows (mail, phones, chats).

    `urls` are apprise's (`mailto://...`, `ntfy://...`); more, with their passwords, may stand in the environment as
    `TRELLIS_NOTICE_URLS`, separated by spaces. Events of these `levels` are told, several in one message. If
    turns were due today and `no_scan_after_hours` later no scan has been done, that is told too, once a day; and, at
    once, that the daemon does not run although it should.
    """

    urls: tuple[str, ...] = ()
    levels: tuple[Literal["info", "warning", "error"], ...] = ("error",)
    no_scan_after_hours: float = Field(default=3.0, gt=0, le=24)


class MqttTable(Section):
    """The broker that `trellis notify` tells how the farm is, in the way in which Home Assistant finds it by itself.

    Without `host` nobody is told. The password stands in the environment as `TRELLIS_MQTT_PASSWORD`.
    """

    host: str = ""
    port: int = Field(default=1883, ge=1, le=65535)
    username: str = ""
    topic: str = Field(default="trellis", pattern=r"^[A-Za-z0-9_-]+$")
    discovery_prefix: str = Field(default="homeassistant", pattern=r"^[A-Za-z0-9_-]+$")


class FarmSection(Section):
    """The farm.

    `timezone` is an IANA name; every schedule's time of day is local to it. `data_folder` is relative to the
    configuration file. `database_url` is empty for SQLite inside the data folder. `reconstruct` says whether a scan
    that ends is turned into a model and a mass at once. `lights_on` and `quiet` are local spans such as
    `"06:00-22:00"`, also over midnight: what is scheduled begins only while the lights are on (without a span: always)
    and it is not quiet, and only if it is likely to end in time; what a person asks for begins at once.
    """

    name: str = "Trellis farm"
    timezone: str = "UTC"
    data_folder: str = "data"
    database_url: str = ""
    reconstruct: bool = True
    lights_on: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    schedules: tuple[ScheduleTable, ...] = ()
    workers: WorkersTable = WorkersTable()
    disk: DiskTable = DiskTable()
    retention: RetentionTable = RetentionTable()
    metrics: MetricsTable = MetricsTable()
    notices: NoticesTable = NoticesTable()
    mqtt: MqttTable = MqttTable()

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("not an IANA time zone; write one such as 'Europe/Berlin' or 'UTC'") from error
        return value

    @field_validator("lights_on", "quiet")
    @classmethod
    def _are_spans(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            Span.of(text)
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

    @property
    def hours(self) -> Hours:
        """When what is scheduled may run."""
        return Hours.of(self.lights_on, self.quiet, self.zone)


def data_folder(configuration: Configuration) -> DataFolder:
    """The farm's data folder: `TRELLIS_DATA` from the environment if set, else what `[farm] data_folder` says."""
    override = os.environ.get("TRELLIS_DATA")
    chosen = Path(override) if override else configuration.resolve(configuration.section(FarmSection).data_folder)
    return DataFolder(chosen.resolve())
