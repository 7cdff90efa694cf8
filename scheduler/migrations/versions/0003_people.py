"""People and programs that may sign in; weighings, notes and web hooks."""

import sqlalchemy as sa
from alembic import op

from scheduler.tables import UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _people()
    _entered()
    op.create_table(
        "hooks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("told_until", sa.Integer, nullable=False),
        sa.Column("answered", sa.Text),
        sqlite_autoincrement=True,
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("created_at", UtcTime, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(64), sa.ForeignKey("users.name"), nullable=False, index=True),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("used_at", UtcTime, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(64), sa.ForeignKey("users.name"), nullable=False, index=True),
        sa.Column("ends_at", UtcTime, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("used_at", UtcTime),
        sa.Column("ends_at", UtcTime),
        sqlite_autoincrement=True,
    )


def _entered() -> None:
    op.create_table(
        "weighings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("plant", sa.String(64), sa.ForeignKey("plants.name"), nullable=False, index=True),
        sa.Column("weighed_at", UtcTime, nullable=False),
        sa.Column("fresh_mass_kg", sa.Float),
        sa.Column("dry_mass_kg", sa.Float),
        sa.Column("harvested", sa.Boolean, nullable=False),
        sa.Column("entered_by", sa.String(64), nullable=False),
        sa.Column("entered_at", UtcTime, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("plant", sa.String(64), sa.ForeignKey("plants.name"), nullable=False, index=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("entered_by", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
