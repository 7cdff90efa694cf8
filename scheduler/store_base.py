"""What every part of the store shares: transactions, the time, and errors in plain words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select
from sqlalchemy.exc import DBAPIError

from scheduler.change_mark import ChangeMark
from scheduler.database import WRITES, explained
from scheduler.rows import EventLevel
from scheduler.tables import events
from trellis.clock import Clock


class StoreBase:
    """An engine and a clock; the parts of the store build on it."""

    def __init__(self, engine: Engine, url: str, clock: Clock) -> None:
        self._engine, self._url, self._clock = engine, url, clock
        self._writing = engine.execution_options(**{WRITES: True})
        self._mark = ChangeMark(engine)

    def _now(self) -> datetime:
        return self._clock.utc()

    def change_mark(self) -> tuple[int, str]:
        """A mark that differs when anything was written since it was asked for last, by whomever."""
        try:
            return self._mark.now()
        except DBAPIError as error:
            raise explained(error, self._url) from error

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends."""
        try:
            with self._writing.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise explained(error, self._url) from error

    def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).mappings().all()
        except DBAPIError as error:
            raise explained(error, self._url) from error

    def _tell(
        self,
        connection: Connection,
        message: str,
        *,
        level: EventLevel = "info",
        plant: str | None = None,
        scan: str | None = None,
        job: int | None = None,
    ) -> None:
        """An event inside a transaction of its own cause."""
        row = {"at": self._now(), "level": level, "message": message, "plant": plant, "scan": scan, "job": job}
        connection.execute(events.insert().values(row))
