"""Schema 1."""

from __future__ import annotations

from alembic import op

from hedgerow.adapters.store.history import step

revision = "1"
down_revision = None


def upgrade() -> None:
    """Take the step to this schema."""
    for statement in step(int(revision)).postgres:
        op.get_bind().exec_driver_sql(statement)
