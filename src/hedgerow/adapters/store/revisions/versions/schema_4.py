"""Schema 4."""

from __future__ import annotations

from alembic import op

from hedgerow.adapters.store.history import step

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Take the step to this schema."""
    for statement in step(int(revision)).postgres:
        op.get_bind().exec_driver_sql(statement)
