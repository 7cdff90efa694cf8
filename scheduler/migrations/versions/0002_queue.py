"""A queue that can be ordered, held and retried; views to skip; turns of plants that were never on the wall."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Defaults as texts: SQLite makes a table anew for any other, and the jobs are what others refer to.
    op.add_column("jobs", sa.Column("asked_by", sa.String(16), nullable=False, server_default="person"))
    op.add_column("jobs", sa.Column("rank", sa.Integer, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("held", sa.Boolean, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("tries_left", sa.Integer, nullable=False, server_default="0"))
    op.add_column("commands", sa.Column("view", sa.Integer))
    with op.batch_alter_table("occurrences", table_kwargs={"sqlite_autoincrement": True}) as occurrences:
        occurrences.drop_constraint("fk_occurrences_plant", type_="foreignkey")
