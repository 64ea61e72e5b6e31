"""A real PostgreSQL for the tests of a run: one server, one database set up, a tenant for each test."""

from __future__ import annotations

import contextlib
import secrets

import pytest
from tests.postgres import APPLICATION, OWNER, Database

from hedgerow.adapters.store.postgres import PostgresStore

__all__ = ["APPLICATION", "OWNER"]


@pytest.fixture
def empty_database(postgres_server):
    """Make a database of its own for one test."""
    return Database(postgres_server, postgres_server.new_database(OWNER))


@pytest.fixture
def set_up(empty_database):
    """Give a database of its own that was set up."""
    PostgresStore.set_up(empty_database.owner, APPLICATION)
    return empty_database


@pytest.fixture(scope="session")
def database(postgres_server):
    """Make the database, set up, that tests share; each has a tenant of its own."""
    made = Database(postgres_server, postgres_server.new_database(OWNER))
    PostgresStore.set_up(made.owner, APPLICATION)
    return made


@pytest.fixture
def tenant():
    return "t-" + secrets.token_hex(6)


@pytest.fixture
def postgres_store(database, tenant):
    """Open the empty store of a new tenant."""
    return PostgresStore.create(database.application, tenant)


@pytest.fixture
def opened(database, tenant):
    """Open stores on one tenant; the first makes it."""
    with contextlib.ExitStack() as stack:
        made = []

        def another():
            open_ = PostgresStore if made else PostgresStore.create
            made.append(open_(database.application, tenant))
            stack.callback(made[-1].close)
            return made[-1]

        yield another
