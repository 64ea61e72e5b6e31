"""Schema 2."""

from __future__ import annotations

from alembic import op

from hedgerow.adapters.store.history import step, tables_of

revision = "2"
down_revision = "1"

_WALL = "tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))"


def upgrade() -> None:
    """Take the step to this schema, and let the walls that stood be asked once for each statement.

    Half of each page of people is left free: when all of them move to a new master key, each page takes the
    new rows beside the old, no index has to change, and the next move finds the room again.
    """
    for statement in step(int(revision)).postgres:
        op.get_bind().exec_driver_sql(statement)
    for table in tables_of(1):
        op.get_bind().exec_driver_sql(
            f'ALTER POLICY tenant_only ON "hedgerow"."{table}" USING ({_WALL}) WITH CHECK ({_WALL})'
        )
    op.get_bind().exec_driver_sql("ALTER TABLE hedgerow.subjects SET (fillfactor = 50)")
