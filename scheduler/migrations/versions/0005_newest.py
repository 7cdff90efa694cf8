"""Indexes by which the newest scan, measurement and job of each plant are found without reading all of them."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("ix_measurements_plant_measured_at", "measurements", ["plant", "measured_at"])
    op.create_index("ix_measurements_measured_at", "measurements", ["measured_at"])
    op.create_index("ix_scans_plant_started_at", "scans", ["plant", "started_at"])
    op.create_index("ix_jobs_plant_state", "jobs", ["plant", "state"])
