"""Opening the database: safe settings, the newest schema, and clear words for a file that cannot be used.

SQLite runs in WAL with synchronous=FULL, so that what was committed survives a power cut. Nothing here ever deletes or
replaces a file.
"""

import sqlite3
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from trellis.errors import InputError, OutOfSpace, reason_of

BUSY_TIMEOUT_MS = 15_000
_MIGRATIONS = Path(__file__).parent / "migrations"
#: Names the option by which a transaction says that it will write; see `_begin`.
WRITES = "trellis_writes"


class DamagedDatabase(InputError):
    """The file is a database no more; nothing was changed."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"the database {where} is damaged: {why}; nothing was changed. `trellis daemon` puts it aside, and makes a "
            f"new one from the newest copy and the folders"
        )
        self.why = why


def open_database(url: str) -> Engine:
    """An engine on the database at `url`, made if it is not there and brought to the newest schema.

    Raises:
        InputError: It cannot be opened, is damaged, is no database of Trellis, or comes from a newer Trellis.
        OutOfSpace: There is no room to make it.
    """
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        arguments = {"check_same_thread": False} if is_sqlite else {}
        engine = create_engine(parsed, connect_args=arguments, pool_pre_ping=not is_sqlite)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError) as error:
        raise InputError(
            f"cannot open the database {_shown(url)}: {reason_of(error)}; check [farm] data_folder and database_url"
        ) from error
    if is_sqlite:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
    try:
        with engine.execution_options(**{WRITES: True}).begin() as connection:
            _check_sound(connection, url)
            _upgrade(connection, url)
    except DBAPIError as error:
        engine.dispose()
        raise explained(error, url) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def explained(error: DBAPIError, url: str) -> InputError | OutOfSpace:
    """The error that a person should read in place of the database library's own."""
    why = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no reason given"
    if "full" in why:
        return OutOfSpace(f"no room to write to the database {_shown(url)}; free some disk space")
    if isinstance(error.orig, sqlite3.DatabaseError) and ("not a database" in why or "malformed" in why):
        return _damaged(url, why)
    return InputError(f"the database {_shown(url)} cannot be used: {why}; check the path, its permissions and the disk")


def _damaged(url: str, why: str) -> "DamagedDatabase":
    return DamagedDatabase(_shown(url), why)


def _settle(connection: Any, _record: object) -> None:
    """Settings of every SQLite connection. `isolation_level` None leaves BEGIN to `_begin`."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later may find the lock taken and cannot wait for it; one that asks
    # for the write lock at once can.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


def _check_sound(connection: Connection, url: str) -> None:
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
        if found != "ok":
            raise _damaged(url, str(found).replace("\n", " "))


def _upgrade(connection: Connection, url: str) -> None:
    """Run the steps that are missing; the transaction's write lock keeps two processes from doing it at once."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current == script.get_current_head():
        return
    if current is not None and current not in known:
        raise InputError(
            f"the database {_shown(url)} was made by a newer Trellis (schema {current}, this one knows up to "
            f"{script.get_current_head()}); nothing was changed. Upgrade Trellis"
        )
    if current is None and connection.dialect.get_table_names(connection):
        raise InputError(f"the database {_shown(url)} holds tables of something else; choose another database_url")
    alembic.command.upgrade(config, "head")


def _shown(url: str) -> str:
    """The URL without a password; for SQLite the file."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return repr(url)
    return (
        str(parsed.database) if parsed.get_backend_name() == "sqlite" else parsed.render_as_string(hide_password=True)
    )
