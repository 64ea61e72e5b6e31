"""Proves the walls between tenants on one PostgreSQL, and its set-up forward from every schema."""

from __future__ import annotations

import contextlib
import threading

import psycopg
import pytest
from tests.contract.conftest import APPLICATION, OWNER

from hedgerow.adapters.store import postgres as postgres_store_module
from hedgerow.adapters.store import postgres_link, postgres_schema
from hedgerow.adapters.store.postgres import PostgresStore
from hedgerow.adapters.store.postgres_shape import SCHEMA, shape_of, wall
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import ALL_RECORDS, SCHEMA_VERSION, Setting

pytestmark = pytest.mark.extra

OTHER = "t-other"
TABLES = [kind.TABLE for kind in ALL_RECORDS]


def _put(store, *records):
    with store.write() as tx:
        for record in records:
            tx.put(record)


def _all(store, kind=Setting):
    with store.read() as reader:
        return reader.find(kind)


def _code(call):
    with pytest.raises((CallerError, Fault)) as caught:
        call()
    return caught.value.code


@pytest.fixture
def two_tenants(set_up):
    """Give a database with two tenants, and one record of each kind in the first."""
    one = PostgresStore.create(set_up.application, "t-one")
    two = PostgresStore.create(set_up.application, OTHER)
    with one.write() as tx:
        tx.add(_example(kind) for kind in ALL_RECORDS)
    yield set_up, one, two
    one.close()
    two.close()


def _example(kind):
    made = {int: 1, str: "t", bytes: b"b", bool: True}
    return kind(*(made[base] for base in shape_of(kind).types.values()))


def _wall_again(database, table):
    """Take every policy of a table away and put those of the product there."""
    names = "SELECT polname FROM pg_policy WHERE polrelid = %s::regclass"
    for (name,) in database.run(names, f"hedgerow.{table}"):
        database.run(f"DROP POLICY {name} ON hedgerow.{table}", user=OWNER)
    for statement in wall(f"hedgerow.{table}"):
        database.run(statement, user=OWNER)
    if table == "tenants":
        database.run("CREATE POLICY names_are_seen ON hedgerow.tenants FOR SELECT USING (true)", user=OWNER)


def _seen(database, tenant=None):
    """Count what the application role sees in each table, by SQL of its own."""
    with psycopg.connect(database.application) as connection:
        if tenant is not None:
            connection.execute("SELECT set_config('hedgerow.tenant', %s, true)", (tenant,))
        return {
            table: connection.execute(f'SELECT count(*) FROM "{SCHEMA}"."{table}"').fetchone()[0]
            for table in TABLES
        }


def _refused(database, statement, tenant=None, user=APPLICATION):
    """Say whether the server itself refuses a statement of the application role."""
    with psycopg.connect(database.server.url(user, database.name)) as connection:
        if tenant is not None:
            connection.execute("SELECT set_config('hedgerow.tenant', %s, true)", (tenant,))
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
        finally:
            connection.rollback()
    return False


class TestTheWall:
    def test_without_a_tenant_nothing_is_seen_and_with_one_only_its_own(self, two_tenants):
        database, _, _ = two_tenants
        assert _seen(database, "t-one") == dict.fromkeys(TABLES, 1)
        for tenant in (None, "", OTHER, "t-on", "T-ONE", "%"):
            assert _seen(database, tenant) == dict.fromkeys(TABLES, 0)

    @pytest.mark.parametrize("as_tenant", [None, "", OTHER])
    def test_no_row_can_be_written_for_another_tenant(self, two_tenants, as_tenant):
        database, _, _ = two_tenants
        for kind in ALL_RECORDS:
            columns = ", ".join(f'"{name}"' for name in shape_of(kind).names)
            copied = f"INSERT INTO {shape_of(kind).table} SELECT 't-one', {_literals(kind)}"
            assert _refused(database, copied, as_tenant), kind
            assert not _refused(
                database, f"DELETE FROM {shape_of(kind).table} RETURNING {columns}", as_tenant
            )
        assert _seen(database, "t-one") == dict.fromkeys(TABLES, 1)

    def test_no_row_can_be_moved_to_another_tenant(self, two_tenants):
        database, _, _ = two_tenants
        for table in TABLES:
            moved = f'UPDATE "{SCHEMA}"."{table}" SET tenant = \'{OTHER}\''
            assert _refused(database, moved, "t-one"), table

    def test_the_application_role_cannot_take_the_wall_down(self, two_tenants):
        database, _, _ = two_tenants
        for statement in (
            "ALTER TABLE hedgerow.settings DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE hedgerow.settings NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY tenant_only ON hedgerow.settings",
            "TRUNCATE hedgerow.settings",
            f"SET ROLE {OWNER}",
            "UPDATE hedgerow.alembic_version SET version_num = '9'",
            "CREATE FUNCTION hedgerow.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ):
            assert _refused(database, statement, "t-one"), statement

    def test_the_owner_is_bound_by_it_too(self, two_tenants):
        database, _, _ = two_tenants
        assert database.run("SELECT count(*) FROM hedgerow.settings", user=OWNER) == [(0,)]

    def test_every_table_has_the_tenant_in_its_key_and_the_wall_forced(self, database):
        rows = database.run(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, pg_get_indexdef(i.indexrelid)"
            " FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary"
            " WHERE c.relnamespace = 'hedgerow'::regnamespace AND c.relkind = 'r'"
        )
        told = {name: (is_walled, "(tenant" in key) for name, is_walled, key in rows}
        assert told.pop("alembic_version") == (False, False)
        assert told == dict.fromkeys([*TABLES, "tenants"], (True, True))

    def test_what_one_tenant_keeps_is_nothing_to_another(self, two_tenants):
        _, one, two = two_tenants
        for kind in ALL_RECORDS:
            assert (len(_all(one, kind)), len(_all(two, kind))) == (1, 0)
        before = one.stamp()
        with two.write() as tx:
            tx.add(_example(kind) for kind in ALL_RECORDS)
            assert [tx.remove(kind) for kind in ALL_RECORDS] == [1] * len(ALL_RECORDS)
            tx.put(Setting("t", "of two"))
            assert tx.set_field(Setting, "value", {("t",): "two"}) == 1
        assert one.stamp() == before
        assert (_all(one), _all(two)) == ([Setting("t", "t")], [Setting("t", "two")])

    def test_the_wall_alone_holds_where_a_statement_forgets_the_tenant(self, two_tenants):
        _, _, two = two_tenants
        with two.read() as reader:
            for kind in ALL_RECORDS:
                assert reader._run(shape_of(kind).select, ())[0] == []

    def test_a_policy_that_lets_more_be_seen_is_refused(self, two_tenants):
        database, _, _ = two_tenants
        database.run("CREATE POLICY wide ON hedgerow.settings USING (true)", user=OWNER)
        assert _seen(database)["settings"] == 1
        assert _code(lambda: PostgresStore(database.application, OTHER)) == "store.unguarded"

    def test_a_policy_of_ours_that_was_changed_is_refused(self, two_tenants):
        database, _, _ = two_tenants
        for table, change in (
            ("settings", "ALTER POLICY tenant_only ON {} USING (true)"),
            ("tenants", "ALTER POLICY tenant_only ON {} WITH CHECK (true)"),
            ("settings", "DROP POLICY tenant_only ON {0}; CREATE POLICY names_are_seen ON {0} USING (true)"),
            (
                "tenants",
                "DROP POLICY names_are_seen ON {0}; CREATE POLICY names_are_seen ON {0} USING (true)",
            ),
        ):
            PostgresStore(database.application, OTHER).close()
            for statement in change.format(f"hedgerow.{table}").split("; "):
                database.run(statement, user=OWNER)
            assert _code(lambda: PostgresStore(database.application, OTHER)) == "store.unguarded", change
            _wall_again(database, table)

    @pytest.mark.parametrize("what", ["trigger", "rule", "view", "check", "heir", "formula", "domain"])
    def test_a_table_that_keeps_what_is_deleted_is_refused(self, two_tenants, what):
        database, _, _ = two_tenants
        keep = "INSERT INTO trap.kept VALUES (OLD.value)"
        body = f"BEGIN {keep}; RETURN OLD; END"
        acts = {
            "trigger": [
                f"CREATE FUNCTION trap.k() RETURNS trigger LANGUAGE plpgsql AS $f${body}$f$",
                "CREATE TRIGGER k AFTER DELETE ON hedgerow.settings FOR EACH ROW EXECUTE FUNCTION trap.k()",
            ],
            "rule": [f"CREATE RULE keep AS ON DELETE TO hedgerow.settings DO ALSO {keep}"],
            "view": [
                "ALTER TABLE hedgerow.settings SET SCHEMA trap",
                "CREATE VIEW hedgerow.settings AS SELECT * FROM trap.settings",
            ],
            "check": ["ALTER TABLE hedgerow.settings ADD CHECK (length(value) >= 0) NOT VALID"],
            "heir": ["CREATE TABLE trap.settings () INHERITS (hedgerow.settings)"],
            "formula": ["CREATE INDEX k ON hedgerow.settings (lower(value))"],
            "domain": [
                "CREATE DOMAIN trap.told AS text CHECK (length(VALUE) >= 0)",
                "ALTER TABLE hedgerow.settings ALTER COLUMN value TYPE trap.told",
            ],
        }
        for statement in ("CREATE SCHEMA trap", "CREATE TABLE trap.kept (value text)", *acts[what]):
            database.run(statement, user=OWNER)
        assert _code(lambda: PostgresStore(database.application, OTHER)) == "store.unguarded"

    def test_the_owner_s_own_functions_do_not_stand_in_for_those_that_look(self, two_tenants):
        database, _, _ = two_tenants
        wall = "tenant=nullifcurrent_setting''hedgerow.tenant'',true,''''"
        for statement in (
            "CREATE SCHEMA trap",
            "GRANT USAGE ON SCHEMA trap TO PUBLIC",
            f"CREATE FUNCTION trap.lower(text) RETURNS text IMMUTABLE LANGUAGE sql AS $f$SELECT '{wall}'$f$",
            "ALTER POLICY tenant_only ON hedgerow.settings USING (true)",
            f'ALTER DATABASE "{database.name}" SET search_path = trap, pg_catalog',
        ):
            database.run(statement, user=OWNER)
        assert _code(lambda: PostgresStore(database.application, OTHER)) == "store.unguarded"

    @pytest.mark.parametrize(
        "change", ["DISABLE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"], ids=["off", "owner free"]
    )
    def test_a_wall_that_is_down_is_seen_and_the_store_stays_shut(self, two_tenants, change):
        database, _, _ = two_tenants
        database.run(f"ALTER TABLE hedgerow.sealed_fields {change}", user=OWNER)
        assert (_seen(database)["sealed_fields"] == 1) is (change == "DISABLE ROW LEVEL SECURITY")
        for use in (PostgresStore, PostgresStore.create, PostgresStore.discard):
            assert _code(lambda use=use: use(database.application, OTHER)) == "store.wall-down"

    def test_a_role_above_the_wall_is_refused(self, two_tenants):
        database, _, _ = two_tenants
        roles = {
            "r_super": "CREATE ROLE r_super LOGIN SUPERUSER",
            "r_bypass": f"CREATE ROLE r_bypass LOGIN BYPASSRLS IN ROLE {APPLICATION}",
            "r_may": f"CREATE ROLE r_may LOGIN IN ROLE {APPLICATION}, r_above",
            "r_owner": f"CREATE ROLE r_owner LOGIN IN ROLE {OWNER}",
            "r_later": f"CREATE ROLE r_later LOGIN NOINHERIT IN ROLE {OWNER}, {APPLICATION}",
        }
        database.run("CREATE ROLE r_above SUPERUSER")
        for role, statement in roles.items():
            database.run(statement)
            try:
                for use in (PostgresStore, PostgresStore.create, PostgresStore.discard):
                    told = _code(
                        lambda use=use, role=role: use(database.server.url(role, database.name), OTHER)
                    )
                    # A role that must first become another sees nothing of the schema at all.
                    assert told == ("store.denied" if role == "r_later" else "store.unguarded")
                assert (
                    _code(lambda role=role: PostgresStore.set_up(database.owner, role)) == "store.unguarded"
                )
            finally:
                database.run(f"DROP ROLE {role}")
        database.run("DROP ROLE r_above")
        assert _code(lambda: PostgresStore(database.owner, OTHER)) == "store.unguarded"
        assert _code(lambda: PostgresStore.set_up(database.owner, OWNER)) == "store.unguarded"


def _literals(kind):
    made = {int: "2", str: "'x'", bytes: "'\\x00'::bytea", bool: "true"}
    return ", ".join(made[base] for base in shape_of(kind).types.values())


class TestTenants:
    def test_they_are_made_listed_and_discarded(self, set_up):
        assert PostgresStore.tenants(set_up.application) == []
        for name in ("b", "a-2"):
            PostgresStore.create(set_up.application, name).close()
        assert PostgresStore.tenants(set_up.application) == ["a-2", "b"]
        assert _code(lambda: PostgresStore.create(set_up.application, "b")) == "store.tenant-exists"
        store = PostgresStore(set_up.application, "b")
        with store.write() as tx:
            tx.add(_example(kind) for kind in ALL_RECORDS)
        PostgresStore.discard(set_up.application, "b")
        PostgresStore.discard(set_up.application, "b")
        assert PostgresStore.tenants(set_up.application) == ["a-2"]
        assert set_up.run("SELECT count(*) FROM hedgerow.settings") == [(0,)]
        assert _code(store.stamp) == "store.tenant-unknown"
        store.close()

    def test_one_that_is_not_there_is_told(self, set_up):
        assert _code(lambda: PostgresStore(set_up.application, "nobody")) == "store.tenant-unknown"

    def test_no_tenant_can_be_made_in_the_name_of_another(self, set_up):
        assert _refused(set_up, "INSERT INTO hedgerow.tenants (tenant) VALUES ('x')", "y")
        assert not _refused(set_up, "INSERT INTO hedgerow.tenants (tenant) VALUES ('y')", "y")


class TestSetUp:
    def test_a_database_that_was_not_set_up_says_so(self, empty_database):
        url = empty_database.application
        assert PostgresStore.tenants(url) == []
        for use in (PostgresStore, PostgresStore.create, PostgresStore.discard):
            assert _code(lambda use=use: use(url, "t")) == "store.not-set-up"

    def test_a_role_that_was_not_let_in_is_told(self, set_up):
        set_up.run("CREATE ROLE r_stranger LOGIN")
        try:
            url = set_up.server.url("r_stranger", set_up.name)
            assert _code(lambda: PostgresStore(url, "t")) == "store.denied"
        finally:
            set_up.run("DROP ROLE r_stranger")

    def test_it_can_be_repeated_also_by_two_at_once_and_changes_nothing(self, empty_database):
        codes = []

        def again():
            with contextlib.suppress(CallerError, Fault):
                PostgresStore.set_up(empty_database.owner, APPLICATION)
                codes.append("done")

        threads = [threading.Thread(target=again) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        store = PostgresStore.create(empty_database.application, "t")
        _put(store, Setting("a", "1"))
        again()
        assert codes == ["done"] * 4
        assert _all(store) == [Setting("a", "1")]
        store.close()

    def test_it_makes_the_role_that_is_not_there_without_rights_above_the_wall(self, empty_database):
        try:
            PostgresStore.set_up(empty_database.owner, "r_made")
            PostgresStore.create(empty_database.server.url("r_made", empty_database.name), "t").close()
            rights = empty_database.run(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
                " WHERE rolname = 'r_made'"
            )
            assert rights == [(False, False, False, False)]
        finally:
            empty_database.run("DROP OWNED BY r_made; DROP ROLE r_made")

    def test_an_owner_who_may_not_is_told_and_nothing_stays(self, empty_database):
        assert _code(lambda: PostgresStore.set_up(empty_database.application, OWNER)) == "store.denied"
        assert empty_database.run("SELECT to_regnamespace('hedgerow')") == [(None,)]

    def test_a_role_name_is_plain(self, empty_database):
        assert _code(lambda: PostgresStore.set_up(empty_database.owner, 'x"; --')) == "name.malformed"

    def test_the_tables_are_those_of_the_records(self, database):
        rows = database.run(
            "SELECT table_name, column_name, data_type, is_nullable, collation_name"
            " FROM information_schema.columns WHERE table_schema = 'hedgerow' AND column_name <> 'tenant'"
            " AND table_name NOT IN ('tenants', 'alembic_version')"
        )
        types = {int: "bigint", str: "text", bytes: "bytea", bool: "boolean"}
        wanted = {
            (
                kind.TABLE,
                name,
                types[base],
                "YES" if name in shape.optional else "NO",
                "C" if base is str else None,
            )
            for kind in ALL_RECORDS
            for shape in [shape_of(kind)]
            for name, base in shape.types.items()
        }
        assert set(rows) == wanted
        assert [kind for kind in ALL_RECORDS if "tenant" in shape_of(kind).names] == []

    def test_an_encoding_that_loses_text_is_refused(self, postgres_server):
        postgres_server.run(
            f"CREATE DATABASE ascii OWNER {OWNER} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
        assert (
            _code(lambda: PostgresStore.set_up(postgres_server.url(OWNER, "ascii"), APPLICATION))
            == "store.unfit"
        )

    def test_an_old_server_is_refused(self, set_up, monkeypatch):
        monkeypatch.setattr(postgres_link, "OLDEST_SERVER", 990000)
        assert _code(lambda: PostgresStore(set_up.application, "t")) == "store.unfit"
        assert _code(lambda: PostgresStore.set_up(set_up.owner, APPLICATION)) == "store.unfit"


_NEXT = """
from alembic import op

revision = "{next}"
down_revision = "{now}"

def upgrade():
    op.execute("ALTER TABLE hedgerow.settings ADD COLUMN more bigint NOT NULL DEFAULT 7")
    {then}
"""


@pytest.fixture
def next_schema(tmp_path, monkeypatch):
    """Write a revision for a schema to come, and let the program know it."""

    def write(then=""):
        text = _NEXT.format(then=then, now=SCHEMA_VERSION, next=SCHEMA_VERSION + 1)
        (tmp_path / "schema_next.py").write_text(text)
        for module in (postgres_store_module, postgres_schema):
            monkeypatch.setattr(module, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
        return (tmp_path,)

    return write


class TestRevisions:
    def test_a_newer_schema_is_refused_by_all_and_left_alone(self, set_up):
        store = PostgresStore.create(set_up.application, "t")
        store.close()
        set_up.run(f"UPDATE hedgerow.alembic_version SET version_num = '{SCHEMA_VERSION + 1}'")
        assert _code(lambda: PostgresStore(set_up.application, "t")) == "space.newer-version"
        assert _code(lambda: PostgresStore.create(set_up.application, "u")) == "space.newer-version"
        assert _code(lambda: PostgresStore.set_up(set_up.owner, APPLICATION)) == "space.newer-version"
        assert PostgresStore.tenants(set_up.application) == ["t"]

    def test_an_older_schema_is_refused_until_set_up_brings_it_forward_with_its_rows(
        self, set_up, next_schema
    ):
        store = PostgresStore.create(set_up.application, "t")
        _put(store, Setting("a", "1"))
        store.close()
        revisions = next_schema()
        assert _code(lambda: PostgresStore(set_up.application, "t")) == "store.older-schema"
        postgres_schema.set_up(set_up.owner, APPLICATION, revisions=revisions)
        store = PostgresStore(set_up.application, "t")
        assert _all(store) == [Setting("a", "1")]
        assert set_up.run("SELECT more FROM hedgerow.settings") == [(7,)]
        store.close()

    def test_an_empty_database_goes_through_all_of_them(self, empty_database, next_schema):
        postgres_schema.set_up(empty_database.owner, APPLICATION, revisions=next_schema())
        assert empty_database.run("SELECT version_num FROM hedgerow.alembic_version") == [
            (str(SCHEMA_VERSION + 1),)
        ]

    def test_one_that_fails_half_way_changes_nothing(self, set_up, next_schema):
        revisions = next_schema("op.execute('SELECT 1 / 0')")
        told = _code(lambda: postgres_schema.set_up(set_up.owner, APPLICATION, revisions=revisions))
        assert told == "store.unreadable"
        assert set_up.run("SELECT version_num FROM hedgerow.alembic_version") == [(str(SCHEMA_VERSION),)]
        assert set_up.run(
            "SELECT count(*) FROM information_schema.columns"
            " WHERE table_name = 'settings' AND column_name = 'more'"
        ) == [(0,)]

    def test_there_is_one_for_each_schema(self):
        files = sorted((postgres_schema.REVISIONS / "versions").glob("schema_*.py"))
        assert [file.stem for file in files] == [f"schema_{n}" for n in range(1, SCHEMA_VERSION + 1)]
        for number, file in enumerate(files, 1):
            assert f'revision = "{number}"' in file.read_text()
