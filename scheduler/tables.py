"""The tables of the database; `scheduler/migrations` makes them, and a test holds the two to each other."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcTime(TypeDecorator[datetime]):
    """A timezone-aware time, kept and given back in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time in the store needs a time zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite keeps no zone: what it gives back was written in UTC.
        found: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return found


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

plants = Table(
    "plants",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("x_m", Float, nullable=False),
    Column("y_m", Float, nullable=False),
    Column("z_m", Float, nullable=False),
    Column("cultivar", Text),
    Column("sown", Date),
    Column("active", Boolean, nullable=False),
)

scans = Table(
    "scans",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("plant", String(64), ForeignKey("plants.name"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("started_at", UtcTime, nullable=False, index=True),
    Column("finished_at", UtcTime),
    Column("views_planned", Integer, nullable=False),
    Column("views_taken", Integer, nullable=False),
    Column("views_failed", Integer, nullable=False),
    Column("folder", Text, nullable=False),
    Column("reason", Text),
    Index("ix_scans_plant_started_at", "plant", "started_at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("plant", String(64), ForeignKey("plants.name"), nullable=False),
    Column("scan", String(120), ForeignKey("scans.id")),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("reason", Text),
    Column("stage", Text),
    Column("share", Float, nullable=False),
    Column("worker_pid", Integer),
    Column("attempts", Integer, nullable=False),
    Column("heartbeat_at", UtcTime),
    Column("asked_by", String(16), nullable=False, server_default="person"),
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("held", Boolean, nullable=False, server_default="0"),
    Column("tries_left", Integer, nullable=False, server_default="0"),
    Column("lease_owner", String(128)),
    Column("lease_until", UtcTime),
    Column("furthest", Float, nullable=False, server_default="0"),
    Index("ix_jobs_state_kind", "state", "kind"),
    Index("ix_jobs_plant_state", "plant", "state"),
    sqlite_autoincrement=True,
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("seen_until", UtcTime, nullable=False),
)

occurrences = Table(
    "occurrences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schedule", String(64), nullable=False),
    Column("plant", String(64), nullable=False),  # no foreign key: a schedule may name one that never was on the wall
    Column("due_at", UtcTime, nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("job", Integer, ForeignKey("jobs.id"), index=True),
    Column("reason", Text),
    UniqueConstraint("schedule", "plant", "due_at"),
    sqlite_autoincrement=True,
)

measurements = Table(
    "measurements",
    metadata,
    Column("scan", String(120), ForeignKey("scans.id"), primary_key=True),
    Column("plant", String(64), ForeignKey("plants.name"), nullable=False, index=True),
    Column("measured_at", UtcTime, nullable=False),
    Column("traits", JSON, nullable=False),
    Column("mass", JSON, nullable=False),
    Column("stage_seconds", JSON, nullable=False),
    Index("ix_measurements_plant_measured_at", "plant", "measured_at"),
    Index("ix_measurements_measured_at", "measured_at"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("level", String(16), nullable=False),
    Column("message", Text, nullable=False),
    # No foreign keys: an event outlives what it speaks of, and may speak of what never came to be.
    Column("plant", Text),
    Column("scan", Text),
    Column("job", Integer),
    sqlite_autoincrement=True,
)

commands = Table(
    "commands",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("what", String(16), nullable=False),
    Column("job", Integer, ForeignKey("jobs.id")),
    Column("view", Integer),
    Column("asked_at", UtcTime, nullable=False),
    Column("done_at", UtcTime, index=True),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", Text),  # none: signs in by a link only
    Column("created_at", UtcTime, nullable=False),
)

# Of every secret only its SHA-256 is kept: who reads the database can sign in as nobody.
sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("ends_at", UtcTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("ends_at", UtcTime),
    sqlite_autoincrement=True,
)

weighings = Table(
    "weighings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plant", String(64), ForeignKey("plants.name"), nullable=False, index=True),
    Column("weighed_at", UtcTime, nullable=False),
    Column("fresh_mass_kg", Float),
    Column("dry_mass_kg", Float),
    Column("harvested", Boolean, nullable=False),
    Column("entered_by", String(64), nullable=False),
    Column("entered_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plant", String(64), ForeignKey("plants.name"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("text", Text, nullable=False),
    Column("entered_by", String(64), nullable=False),
    sqlite_autoincrement=True,
)

hooks = Table(
    "hooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),  # signs what is sent, so it must be known as it is
    Column("kinds", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("told_until", Integer, nullable=False),  # the last event that was delivered, or given up
    Column("answered", Text),
    sqlite_autoincrement=True,
)
