"""Proves that broken rows wait for what they were set aside for: their data set, purposes, columns and date.

Whoever writes to the database without keys changes what stands beside the sealed rows, or hides them
while somebody is erased. Then a retry and an erasure refuse, name the batch and change nothing, and
``journal verify`` tells of it. To discard the batch goes on.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.attack.built import built, do, identity, program, sql
from tests.attack.rolling import broken_arrival, founded, set_aside
from tests.attack.thief import REF
from tests.program import Program
from tests.simulator.asking import OWNER

from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import restore_space
from hedgerow.kernel.envelope import seal
from hedgerow.kernel.merkle import leaf_hash
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.keys import Binding
from hedgerow.model.records import Dataset, JournalEntry, JournalHead, QuarantineBatch, QuarantinedRow
from hedgerow.spine.keyring import batch_key
from hedgerow.spine.quarantine import LIFETIME

__all__ = ["built", "identity", "program"]
ROWS = [b"gus,x", b"hal,y"]


def held(world, kind):
    with world.read() as reader:
        return reader.find(kind)


def edit(world, *records):
    with world.inner_store.write() as tx:
        for record in records:
            tx.put(record)


def waiting(world):
    quarantine = world.spine.quarantine
    with world.read() as reader:
        return [row.raw for batch in quarantine.batches(reader) for row in quarantine.rows(reader, batch)]


def audited(world):
    """Tell by which code an audit of everything finds fault; none where it does not."""
    try:
        world.service.verify()
    except HedgerowError as error:
        return error.code
    return None


def refused(act):
    with pytest.raises(Fault) as caught:
        act()
    return caught.value


@pytest.fixture
def world():
    made = founded()
    made.sources = 100
    set_aside(made, ["fay", "gus"], ROWS)
    return made


def headed(batch, **changes):
    return replace(batch, header=json.dumps({**json.loads(batch.header), **changes}))


CHANGES = {
    "columns": lambda batch: headed(batch, columns=json.loads(batch.header)["columns"][::-1]),
    "subject": lambda batch: headed(batch, subject="tag"),
    "purposes": lambda batch: headed(batch, bases={"planning": "contract"}),
    "data set": lambda batch: replace(batch, dataset="visits"),
    "date": lambda batch: replace(batch, until="2999-01-01"),
    "time": lambda batch: replace(batch, created="2998-12-02T00:00:00.000Z", until="2999-01-01"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_waits_under_another_description_is_refused_and_found(world, what):
    (batch,) = held(world, QuarantineBatch)
    edit(world, CHANGES[what](batch))
    for act in (
        lambda: world.service.erase_subject("gus"),
        lambda: world.service.quarantine_retry(batch.id),
        lambda: world.service.plan_retry(batch.id),
        lambda: waiting(world),
        lambda: world.service.change_epoch(is_ending=True),
    ):
        fault = refused(act)
        assert (fault.code, fault.details["batch"]) == ("quarantine.altered", batch.id)
    assert audited(world) == "records.differ"
    edit(world, batch)
    world.service.erase_subject("gus")
    assert waiting(world) == ROWS[1:]
    assert audited(world) is None


def test_a_batch_that_was_changed_can_be_discarded(world):
    (batch,) = held(world, QuarantineBatch)
    edit(world, replace(batch, dataset="visits"))
    fault = refused(lambda: world.service.erase_subject("gus"))
    assert f"hedgerow collect --quarantine discard --batch {batch.id}" in fault.next_step
    world.service.quarantine_discard(batch.id)
    assert audited(world) is None
    world.service.erase_subject("gus")


def test_the_date_of_rows_is_the_one_they_were_set_aside_with(world):
    (batch,) = held(world, QuarantineBatch)
    edit(world, replace(batch, until="2999-01-01"))
    world.clock.advance(days=LIFETIME.days + 1)
    assert world.service.expire() == 1
    assert waiting(world) == []
    assert audited(world) is None


def test_whose_a_row_is_does_not_go_by_the_record_of_the_data_set(world):
    (dataset,) = held(world, Dataset)
    edit(world, replace(dataset, subject_column="tag"))
    world.service.erase_subject("gus")
    assert waiting(world) == ROWS[1:]
    assert audited(world) == "records.differ"


@pytest.mark.parametrize("kinds", [(QuarantineBatch, QuarantinedRow), (QuarantinedRow,)])
def test_rows_hidden_while_somebody_is_erased_stop_it(world, kinds):
    records = [record for kind in kinds for record in held(world, kind)]
    with world.inner_store.write() as tx:
        for kind in kinds:
            tx.remove(kind)
    fault = refused(lambda: world.service.erase_subject("gus"))
    assert fault.code == "quarantine.altered"
    edit(world, *records)
    world.service.erase_subject("gus")
    assert waiting(world) == ROWS[1:]


def test_a_batch_that_went_beside_the_program_can_be_discarded_and_stays_away(world):
    batches, rows = held(world, QuarantineBatch), held(world, QuarantinedRow)
    with world.inner_store.write() as tx:
        tx.remove(QuarantineBatch)
        tx.remove(QuarantinedRow)
    world.service.quarantine_discard(batches[0].id)
    assert audited(world) is None
    world.service.erase_subject("gus")
    with pytest.raises(HedgerowError) as caught:
        world.service.quarantine_discard(batches[0].id)
    assert caught.value.code == "quarantine.unknown"
    edit(world, *batches, *rows)
    assert audited(world) == "records.differ"


class TestAsOlderVersionsSetThemAside:
    """Their rows are bound to batch and place alone; the journal tells data set, purposes and time."""

    @pytest.fixture
    def world(self, world):
        (batch,) = held(world, QuarantineBatch)
        told = json.loads(batch.header)
        del told["subject"]
        key = world.keys.unwrap(batch.wrapped, batch_key(world.spine.tenant, batch.id))
        older = lambda place: Binding(world.spine.tenant, "quarantine", batch.id, str(place), 1)  # noqa: E731
        rows = [replace(row, sealed=seal(key, raw, older(row.place)))
                for row, raw in zip(held(world, QuarantinedRow), ROWS, strict=True)]  # fmt: skip
        edit(world, replace(batch, header=json.dumps(told)), *rows)
        _as_older_entries(world)
        return world

    def test_they_are_read_and_erased(self, world):
        assert waiting(world) == ROWS
        assert audited(world) is None
        world.service.erase_subject("gus")
        assert waiting(world) == ROWS[1:]
        assert audited(world) is None

    def test_a_person_named_in_any_column_of_them_is_erased(self, world):
        world.spine.intake.take(broken_arrival(world, ["x"], []), OWNER)
        world.service.erase_subject("x")
        assert waiting(world) == ROWS[1:]

    @pytest.mark.parametrize("what", ["purposes", "data set", "date"])
    def test_they_are_held_against_the_journal(self, world, what):
        (batch,) = held(world, QuarantineBatch)
        edit(world, CHANGES[what](batch))
        for act in (
            lambda: world.service.erase_subject("gus"),
            lambda: world.service.quarantine_retry(batch.id),
        ):
            assert refused(act).details["batch"] == batch.id
        assert audited(world) == "records.differ"


def _as_older_entries(world):
    """Write the journal anew, as a version did that told less of what it set aside."""
    entries = held(world, JournalEntry)
    with world.inner_store.write() as tx:
        tx.remove(JournalEntry)
    world.inner_store._tables = {**world.inner_store._tables, "journal_head": {}}
    world.restart()
    for record in entries:
        told = json.loads(record.body)
        for name in ("waits_as", "files_from", "set_aside"):
            told["facts"].pop(name, None)
        with world.inner_store.write() as tx:
            journal = world.spine.journal
            frontier = journal._signed_state(tx)
            body = canonical(told)
            frontier.append(leaf_hash(body))
            checkpoint = world.spine.attestor.checkpoint(frontier.size, frontier.root())
            tx.add([JournalEntry(record.index, body, checkpoint)])
            tx.put(JournalHead(0, frontier.to_bytes(), checkpoint))


class TestProgram:
    """What a retry would take rows in for, by the command line and its own database."""

    def test_no_purpose_that_nobody_named_is_served(self, program):
        do(program, "purpose", "add", "marketing", "--why", "m", "--owner", "owner", "--until", "2099-01-01")
        ((batch, header),) = sql(
            program, "SELECT id, header FROM quarantine_batches WHERE dataset = 'visits'"
        )
        told = json.loads(header)
        told["bases"] = {**told["bases"], "marketing": "consent"}
        sql(program, "UPDATE quarantine_batches SET header = ? WHERE id = ?", json.dumps(told), batch)
        line = ("collect", "--quarantine", "retry", "--batch", batch)
        assert program.call(*line, "--empty-broken").error == "quarantine.altered"
        assert program.call(*line, "--dry-run").error == "quarantine.altered"
        assert program.call("journal", "verify").error == "records.differ"
        assert sql(program, "SELECT 1 FROM dataset_purposes WHERE purpose = 'marketing'") == []

    def test_rows_put_back_after_a_restore_that_repeated_an_erasure_are_found(
        self, program, identity, tmp_path
    ):
        line = ("--to", tmp_path / "b", "--keys-to", tmp_path / "k", "--recipient", identity.recipient.text)
        do(program, "backup", *line)
        tables = ("quarantine_batches", "quarantined_rows")
        kept = {table: sql(program, f"SELECT * FROM {table}") for table in tables}
        do(program, "subject", "erase", REF, "--yes")
        do(program, "backup", "erasures", "--out", tmp_path / "list.json")
        wish = Wish(tmp_path / "b", tmp_path / "new", identity, lambda _: None, keys_source=tmp_path / "k",
                    erasures=(tmp_path / "list.json",))  # fmt: skip
        restore_space(wish)
        again = Program(tmp_path / "new")
        assert again.call("journal", "verify").code == 0
        assert sql(again, "SELECT * FROM quarantine_batches") == []
        for table, rows in kept.items():
            for row in rows:
                sql(again, f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", *row)
        assert again.call("journal", "verify").error == "records.differ"
