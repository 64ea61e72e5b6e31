"""Schema 1: every table, made from the records as they are.

The revision after this one comes with a written-out list here: a revision that reads the records as
they are may be the newest only.
"""

from __future__ import annotations

from alembic import op

from hedgerow.adapters.store.postgres_schema import statements

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make every table, its indexes and its wall."""
    for statement in statements():
        op.get_bind().exec_driver_sql(statement)
