"""The revisions of the PostgreSQL schema, run forward by Alembic."""
