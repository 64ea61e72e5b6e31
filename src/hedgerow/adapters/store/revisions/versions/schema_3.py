"""Schema 3."""

from __future__ import annotations

from alembic import op

from hedgerow.adapters.store.history import step

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Take the step to this schema."""
    for statement in step(int(revision)).postgres:
        op.get_bind().exec_driver_sql(statement)
