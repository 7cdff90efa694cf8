"""A mark that changes when anything in the database changes, for those who keep what they made of its rows."""

import threading

from sqlalchemy import Connection, Engine, text


class ChangeMark:
    """Asked from any thread; costs one look into memory (SQLite) or one short query (PostgreSQL).

    Args:
        engine: The database.

    SQLite's `PRAGMA data_version` differs after a commit by any other connection, in this process or another; so it is
    asked on a connection that never writes. PostgreSQL's snapshot differs after any transaction that wrote.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._connection: Connection | None = None
        self._times_opened = 0

    def now(self) -> tuple[int, str]:
        """Equal marks: nothing was written between them. Raises what the database library raises."""
        sqlite = self._engine.dialect.name == "sqlite"
        question = text("PRAGMA data_version" if sqlite else "SELECT CAST(pg_current_snapshot() AS text)")
        with self._lock:
            if self._connection is None:
                self._connection = self._engine.connect()
                self._times_opened += 1  # a new connection counts from another number
            try:
                return self._times_opened, str(self._connection.execute(question).scalar())
            finally:
                self._connection.rollback()

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
