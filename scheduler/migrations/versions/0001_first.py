"""The first tables: plants, scans, jobs, schedules, occurrences, measurements, events, commands."""

import sqlalchemy as sa
from alembic import op

from scheduler.tables import UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    _things()
    _work()
    _agenda()
    _results()


def _things() -> None:
    op.create_table(
        "plants",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("x_m", sa.Float, nullable=False),
        sa.Column("y_m", sa.Float, nullable=False),
        sa.Column("z_m", sa.Float, nullable=False),
        sa.Column("cultivar", sa.Text),
        sa.Column("sown", sa.Date),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "scans",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column("plant", sa.String(64), sa.ForeignKey("plants.name"), nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("started_at", UtcTime, nullable=False, index=True),
        sa.Column("finished_at", UtcTime),
        sa.Column("views_planned", sa.Integer, nullable=False),
        sa.Column("views_taken", sa.Integer, nullable=False),
        sa.Column("views_failed", sa.Integer, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )


def _work() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("plant", sa.String(64), sa.ForeignKey("plants.name"), nullable=False),
        sa.Column("scan", sa.String(120), sa.ForeignKey("scans.id")),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("started_at", UtcTime),
        sa.Column("finished_at", UtcTime),
        sa.Column("reason", sa.Text),
        sa.Column("stage", sa.Text),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("worker_pid", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("heartbeat_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_state_kind", "jobs", ["state", "kind"])
    op.create_table(
        "commands",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("job", sa.Integer, sa.ForeignKey("jobs.id")),
        sa.Column("asked_at", UtcTime, nullable=False),
        sa.Column("done_at", UtcTime, index=True),
        sqlite_autoincrement=True,
    )


def _agenda() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("seen_until", UtcTime, nullable=False),
    )
    op.create_table(
        "occurrences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("schedule", sa.String(64), nullable=False),
        sa.Column("plant", sa.String(64), sa.ForeignKey("plants.name"), nullable=False),
        sa.Column("due_at", UtcTime, nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("job", sa.Integer, sa.ForeignKey("jobs.id"), index=True),
        sa.Column("reason", sa.Text),
        sa.UniqueConstraint("schedule", "plant", "due_at"),
        sqlite_autoincrement=True,
    )


def _results() -> None:
    op.create_table(
        "measurements",
        sa.Column("scan", sa.String(120), sa.ForeignKey("scans.id"), primary_key=True),
        sa.Column("plant", sa.String(64), sa.ForeignKey("plants.name"), nullable=False, index=True),
        sa.Column("measured_at", UtcTime, nullable=False),
        sa.Column("traits", sa.JSON, nullable=False),
        sa.Column("mass", sa.JSON, nullable=False),
        sa.Column("stage_seconds", sa.JSON, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("plant", sa.Text),
        sa.Column("scan", sa.Text),
        sa.Column("job", sa.Integer),
        sqlite_autoincrement=True,
    )
