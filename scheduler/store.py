"""What the farm remembers: plants, jobs, turns of schedules, scans, measurements, events.

The folders are the truth about photographs; the rows about scans and measurements can be made again from them
(`scheduler.rebuild`). Methods are plain, return frozen rows, and may be called from any thread and several processes.
"""

import json
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, RowMapping, Table, Text, cast, func, select

from scheduler.config import FarmSection, data_folder
from scheduler.database import open_database
from scheduler.rows import (
    CommandRow,
    EventLevel,
    EventRow,
    JobRow,
    JobState,
    MeasurementRow,
    OccurrenceRow,
    PlantRow,
    ScanRow,
)
from scheduler.store_agenda import AgendaStore
from scheduler.store_entered import EnteredStore
from scheduler.store_people import PeopleStore
from scheduler.tables import events, jobs, measurements, plants, scans
from trellis.clock import Clock, SystemClock
from trellis.config import Configuration
from trellis.errors import InputError
from trellis.records import MassEstimate, Traits

__all__ = [
    "CommandRow",
    "EventRow",
    "JobRow",
    "MeasurementRow",
    "OccurrenceRow",
    "PlantRow",
    "ScanRow",
    "Store",
    "store_url",
]


def store_url(configuration: Configuration) -> str:
    """Where the farm's database is: `[farm] database_url`, or SQLite inside the data folder."""
    return configuration.section(FarmSection).database_url or f"sqlite:///{data_folder(configuration).database}"


class Store(AgendaStore, PeopleStore, EnteredStore):
    """The database of one farm; a context manager that closes it.

    Args:
        url: An SQLAlchemy URL; `store_url` gives a configuration's.
        clock: What stamps rows.

    Raises:
        InputError: The database is damaged, newer than this version, or cannot be opened.
    """

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        super().__init__(open_database(url), url, clock or SystemClock())

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> Self:
        """The same as the constructor, for those who read better so."""
        return cls(url, clock)

    def close(self) -> None:
        """Close every connection."""
        self._mark.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def scans(self, plant: str | None = None, *, limit: int = 1000) -> list[ScanRow]:
        """Scans, newest first, of one plant or of all."""
        query = select(scans).order_by(scans.c.started_at.desc(), scans.c.id.desc()).limit(limit)
        return [ScanRow(**row) for row in self._rows(query if plant is None else query.where(scans.c.plant == plant))]

    def scan(self, scan_id: str) -> ScanRow:
        """One scan.

        Raises:
            InputError: There is none of that name.
        """
        for row in self._rows(select(scans).where(scans.c.id == scan_id)):
            return ScanRow(**row)
        raise InputError(f"there is no scan {scan_id!r}")

    def save_scan(self, scan: ScanRow) -> None:
        """Write down a scan as it stands now."""
        with self._write() as connection:
            _save(connection, scans, "id", vars(scan))

    def progress_scan(self, job_id: int, scan: ScanRow, share: float, stage: str) -> None:
        """Write down a scan as it stands, and its job's sign of life; one wait for the disk a view."""
        with self._write() as connection:
            _save(connection, scans, "id", vars(scan))
            # A view that is done is no attempt that never got further: however often power fails, the scan goes on.
            self._alive(connection, job_id, share, {"stage": stage, "attempts": 1})

    def begin_scan(self, job_id: int, scan: ScanRow) -> None:
        """Write down a scan that begins, and that this job does it; both or neither."""
        with self._write() as connection:
            _save(connection, scans, "id", vars(scan))
            connection.execute(jobs.update().where(jobs.c.id == job_id).values(scan=scan.id))

    def end_scan(self, job_id: int, scan: ScanRow, *, reconstruct: bool) -> None:
        """Write down a scan that ended with its job, and ask for its reconstruction if wanted; all or nothing."""
        with self._write() as connection:
            _save(connection, scans, "id", vars(scan))
            self._end(connection, job_id, scan.state, scan.reason)
            if reconstruct:
                self._add(connection, "reconstruct", scan.plant, scan.id)

    def end_reconstruction(
        self,
        job_id: int,
        owner: str | None,
        state: JobState,
        reason: str | None = None,
        found: MeasurementRow | None = None,
    ) -> bool:
        """End a reconstruction with what it gave, all or nothing; False, and nothing, if `owner` has lost its lease."""
        with self._write() as connection:
            still = (jobs.c.id == job_id, jobs.c.state == "running", jobs.c.lease_owner == owner)
            # The first word of the transaction, so that two who end the same job wait for each other here.
            if connection.execute(jobs.update().where(*still).values(heartbeat_at=self._now())).rowcount == 0:
                return False
            if found is not None:
                _save(connection, measurements, "scan", _measurement_values(found))
            self._end(connection, job_id, state, reason)
        return True

    def measurements(self, plant: str | None = None, *, limit: int = 1000) -> list[MeasurementRow]:
        """Measurements, newest first, of one plant or of all."""
        query = select(*_MEASURED).order_by(measurements.c.measured_at.desc()).limit(limit)
        wanted = query if plant is None else query.where(measurements.c.plant == plant)
        return [_measurement(row) for row in self._rows(wanted)]

    def measurement(self, scan_id: str) -> MeasurementRow | None:
        """What one scan gave, or None while it has given nothing."""
        found = self._rows(select(*_MEASURED).where(measurements.c.scan == scan_id))
        return _measurement(found[0]) if found else None

    def measured_scans(self) -> set[str]:
        """Names of the scans that have a measurement."""
        return {row["scan"] for row in self._rows(select(measurements.c.scan))}

    def latest_measurements(self) -> dict[str, MeasurementRow]:
        """The newest measurement of each plant that has one, by plant."""
        # One look into an index for each plant: over years there are a thousand times as many measurements as plants.
        one = measurements.alias("one")
        newest = select(one.c.scan).where(one.c.plant == plants.c.name)
        newest = newest.order_by(one.c.measured_at.desc(), one.c.scan.desc()).limit(1)
        query = select(*_MEASURED).join(plants, measurements.c.scan == newest.correlate(plants).scalar_subquery())
        return {row["plant"]: _measurement(row) for row in self._rows(query)}

    def latest_scans(self) -> dict[str, ScanRow]:
        """The newest scan of each plant that has one, by plant."""
        one = scans.alias("one")
        newest = select(one.c.id).where(one.c.plant == plants.c.name)
        newest = newest.order_by(one.c.started_at.desc(), one.c.id.desc()).limit(1)
        query = select(scans).join(plants, scans.c.id == newest.correlate(plants).scalar_subquery())
        return {row["plant"]: ScanRow(**row) for row in self._rows(query)}

    def latest_ended(self) -> dict[str, tuple[JobState, str | None]]:
        """How the last job of each plant that was done or failed ended, and why, by plant."""
        one = jobs.alias("one")
        newest = select(func.max(one.c.id)).where(one.c.plant == plants.c.name, one.c.state.in_(("done", "failed")))
        columns = select(jobs.c.plant, jobs.c.state, jobs.c.reason)
        rows = self._rows(columns.join(plants, jobs.c.id == newest.correlate(plants).scalar_subquery()))
        return {row["plant"]: (row["state"], row["reason"]) for row in rows}

    def save_measurement(self, found: MeasurementRow) -> None:
        """Write down what a scan gave, in place of what it gave before."""
        with self._write() as connection:
            _save(connection, measurements, "scan", _measurement_values(found))

    def events(self, limit: int = 100, *, after_id: int = 0) -> list[EventRow]:
        """The newest events, newest first; with `after_id` only those that came later than that one."""
        query = select(events).where(events.c.id > after_id).order_by(events.c.id.desc()).limit(limit)
        return [EventRow(**row) for row in self._rows(query)]

    def add_event(
        self,
        message: str,
        level: EventLevel = "info",
        *,
        plant: str | None = None,
        scan: str | None = None,
        job: int | None = None,
    ) -> None:
        """A line for a person to read."""
        with self._write() as connection:
            self._tell(connection, message, level=level, plant=plant, scan=scan, job=job)


def _save(connection: Connection, table: Table, key: str, values: dict[str, Any]) -> None:
    if connection.execute(table.update().where(table.c[key] == values[key]).values(values)).rowcount == 0:
        connection.execute(table.insert().values(values))


def _measurement_values(found: MeasurementRow) -> dict[str, Any]:
    return vars(found) | {"traits": found.traits.model_dump(), "mass": found.mass.model_dump()}


#: JSON as the text that it is kept as, so that what was read before need not be understood again.
_MEASURED = (
    measurements.c.scan,
    measurements.c.plant,
    measurements.c.measured_at,
    *(cast(measurements.c[name], Text).label(name) for name in ("traits", "mass", "stage_seconds")),
)


def _measurement(row: RowMapping) -> MeasurementRow:
    traits, mass, stages = _traits(row["traits"]), _mass(row["mass"]), json.loads(row["stage_seconds"])
    return MeasurementRow(row["scan"], row["plant"], row["measured_at"], traits, mass, stages)


@lru_cache(maxsize=8192)
def _traits(text: str) -> Traits:
    return Traits.model_validate_json(text)


@lru_cache(maxsize=8192)
def _mass(text: str) -> MassEstimate:
    return MassEstimate.model_validate_json(text)
