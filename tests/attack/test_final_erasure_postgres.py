"""Once an epoch has ended, no wrapped key ever written to PostgreSQL opens, wherever a copy of it is found.

The attacker has every file of the server's data directory, heap and write-ahead log among them, and every key
that is still held. Each wrapped key is caught where it is made, so that none is missed. Old rows and the log
keep copies of the erased person's key: before the end that copy opens (positive control), after it none
does. What names the person is in no file of the server at any time.
"""

from __future__ import annotations

import importlib.util
import json
from types import SimpleNamespace

import pytest
from tests import postgres
from tests.attack.test_final_erasure import opened
from tests.attack.thief import MARKERS, REF, build

import hedgerow as hr
from hedgerow.adapters.keys.ring import RingKeys
from hedgerow.adapters.store.postgres import PostgresStore
from hedgerow.spine.keyring import WRAPPING, binding_of

pytestmark = [pytest.mark.system, pytest.mark.extra]


@pytest.fixture(scope="module")
def server():
    """Start a server of its own: all that is on its disk comes from this test."""
    if importlib.util.find_spec("psycopg") is None or (found := postgres.find()) is None:
        pytest.skip("no PostgreSQL 15 or newer, or no psycopg (the extra postgres)")
    with postgres.with_roles(*found) as running:
        yield running


@pytest.fixture(scope="module")
def caught():
    """Catch every wrapped key where it is made, with what it is bound to."""
    images, wrap, wrap_many = set(), RingKeys.wrap, RingKeys.wrap_many

    def one(self, key, binding):
        images.add((made := wrap(self, key, binding), binding))
        return made

    def many(self, keys, bindings):
        made = wrap_many(self, keys, bindings)
        images.update(zip(made, bindings, strict=True))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RingKeys, "wrap", one)
        patch.setattr(RingKeys, "wrap_many", many)
        yield images


def _robbed(server):
    """Read every file of the server, after all it holds in memory went to them."""
    server.run("CHECKPOINT")
    return {path: path.read_bytes() for path in server.folder.rglob("*") if path.is_file()}


def _holding(files, needle):
    return {path for path, content in files.items() if needle in content}


def _wrapped(program):
    """Read every wrapped key of the current records, with what it is bound to."""
    with hr.open(str(program.space)) as space, space.opened.store.read() as reader:
        tenant = space.opened.spine.tenant
        records = [record for kind in WRAPPING for record in reader.find(kind) if record.wrapped is not None]
        return {(record.wrapped, binding_of(tenant, record)) for record in records}


def _key_of_the_person(program):
    with hr.open(str(program.space)) as space, space.opened.store.read() as reader:
        vault, tenant = space.opened.spine.vault, space.opened.spine.tenant
        (record,) = vault.known(reader, [vault.lookup(REF)]).values()
        return record.wrapped, binding_of(tenant, record)


@pytest.fixture(scope="module")
def ended(server, caught, tmp_path_factory):
    """Erase the marked person, rotate, end the epoch; rob the server before and after the end."""
    folder = tmp_path_factory.mktemp("ended")
    database = postgres.Database(server, server.new_database(postgres.OWNER))
    PostgresStore.set_up(database.owner, postgres.APPLICATION)
    program = build(folder, None, database.application)

    def act(*line):
        done = program.call(*line, "--json")
        assert done.code == 0, done.out
        return done.json

    key, seen = _key_of_the_person(program), _wrapped(program)
    erased = act("subject", "erase", REF, "--yes")
    act("keys", "rotate", "--yes")
    seen |= _wrapped(program)
    before, key_file = set(caught), folder / "space" / "keys.json"
    files, control = _robbed(server), _opened(before, key_file)
    done = act("keys", "epoch", "--yes")
    return SimpleNamespace(
        program=program, key=key, seen=seen, before=before, files=files, control=control, erased=erased,
        done=done, key_file=key_file, after=_robbed(server), survivors=_wrapped(program),
    )  # fmt: skip


def _opened(images, key_file):
    return opened(images, key_file, None)


def test_every_wrapped_key_of_the_records_was_caught(ended):
    assert len(ended.before) > 80
    assert ended.seen <= ended.before


def test_before_the_end_the_key_lies_in_heap_or_log_and_opens(ended):
    places = {path.parent.name for path in _holding(ended.files, ended.key[0])}
    assert "pg_wal" in places
    assert ended.key[0] in ended.control
    assert ended.control == {image for image, _ in ended.before}


def test_after_it_copies_are_still_there_and_none_opens(ended):
    left = {image for image, _ in ended.before if _holding(ended.after, image)}
    assert ended.key[0] in left, "the log was not reused yet: this is what the epoch is for"
    assert _opened(ended.before, ended.key_file) == set()


def test_the_keys_of_those_who_stayed_open(ended):
    assert _opened(ended.survivors, ended.key_file) == {image for image, _ in ended.survivors}
    assert ended.program.call("subject", "export", "P-0003").code == 0
    assert ended.program.call("journal", "verify").code == 0


def test_what_names_the_person_is_in_no_file_of_the_server_or_the_workspace(ended):
    for files in (ended.files, ended.after):
        for marker in MARKERS:
            assert _holding(files, marker.encode()) == set(), marker
            assert _holding(files, marker.encode("utf-16-le")) == set(), marker
    own = {path: path.read_bytes() for path in ended.key_file.parent.rglob("*") if path.is_file()}
    assert not any(_holding(own, text.encode()) for text in MARKERS)
    assert not any(_holding(own, image) for image, _ in ended.before)


def test_the_certificates_say_what_holds_for_a_server(ended):
    told = " ".join(ended.erased["body"]["not_final_yet"])
    assert "write-ahead log, replicas, archives and base backups, until `hedgerow keys epoch`" in told
    (name,) = ended.done["final"]
    with hr.open(str(ended.program.space)) as space, space.opened.store.read() as reader:
        from hedgerow.model.records import Certificate

        final = json.loads(reader.get(Certificate, name).body)["body"]
    assert (final["state"], final["erasure"]) == ("final", ended.erased["body"]["certificate"])
