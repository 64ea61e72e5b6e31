"""A backup made before an erasure brings nobody back, gives no budget back, and shows no key.

The attacker has every file of every backup, may swap, edit, cut and mix them, and restores with the right
identity. He tries older lists of erasures, lists of another workspace, edited lists, lists of a sibling that
was restored before, and copies of key sets that were destroyed. The marked person of the thief's workspace is
in vault, tables, consents, quarantine, a release and stored results.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from tests.attack.thief import MARKERS, REF, Thief, build, markers_in
from tests.program import Program
from tests.simulator.adapters import SetClock

from hedgerow.adapters.keys import file as key_file
from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import open_space, restore_space
from hedgerow.kernel.hybrid import new_identity, open_stream
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.keys import Binding
from hedgerow.model.records import Approval
from hedgerow.model.uses import Actor
from hedgerow.spine.backup import KEY_KINDS, about
from hedgerow.spine.keyring import binding_of
from hedgerow.spine.recordstream import RecordStream

pytestmark = pytest.mark.system
ASK = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.25")


def do(program, *line):
    done = program.call(*line, "--json")
    assert done.code == 0, (line, done.err, done.out)
    return done.json


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Back up, spend, erase, and keep every list and head on the way."""
    folder = tmp_path_factory.mktemp("kept")
    program, identity = build(folder), new_identity()
    (folder / "outside").mkdir()
    head = folder / "outside" / "head.json"
    do(program, "journal", "witness", "add", "usb", "--file", head)
    backup = folder / "backup"
    made = do(program, "backup", "--to", backup, "--recipient", identity.recipient.text)
    lists = [(backup / "erasures.json").read_bytes()]
    do(program, *ASK)
    do(program, "subject", "erase", "P-0007", "--yes")
    lists.append((backup / "erasures.json").read_bytes())
    do(program, "subject", "erase", REF, "--yes")
    lists.append((backup / "erasures.json").read_bytes())
    do(program, *ASK, "--request-id", "later")
    shutil.copy(head, folder / "head.json")
    return SimpleNamespace(
        folder=folder, program=program, identity=identity, backup=backup, made=made, lists=lists,
        head=folder / "head.json", space=folder / "space",
    )  # fmt: skip


def restored(kept, target, **more):
    """Restore with the right identity; give the workspace's directory."""
    source = more.pop("source", kept.backup)
    wish = Wish(source, target, kept.identity, lambda _: None, **more)
    return restore_space(wish)


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def copied(kept, tmp_path, erasures=None):
    """Copy the backup folder, with another list of erasures in it where one is given."""
    backup = shutil.copytree(kept.backup, tmp_path / "copy")
    if erasures is not None:
        (backup / "erasures.json").write_bytes(erasures)
    return backup


def sibling_of(kept, tmp_path):
    """Copy the workspace; the copy does not follow the witness of the original."""
    space = shutil.copytree(kept.space, tmp_path / "space")
    do(Program(space), "journal", "witness", "remove", "usb")
    return space


def is_clean(kept, target):
    """Whether a thief finds nothing of the marked person with all keys of a restored workspace."""
    thief = Thief(target)
    return not markers_in(thief.everything()) and not thief.bytes_holding(*(m.encode() for m in MARKERS))


class TestNobodyComesBack:
    def test_the_backup_holds_the_person_and_the_restored_workspace_does_not(self, kept, tmp_path):
        done = restored(kept, tmp_path / "space", is_thorough=True)
        assert (done["repeated"], done["later_erasures"]) == (2, 2)
        assert is_clean(kept, tmp_path / "space")
        program = Program(tmp_path / "space")
        assert program.call("subject", "show", REF).error == "subject.erased"
        assert program.call("journal", "verify").code == 0

    def test_positive_control_with_the_statement_instead_of_the_list_the_person_is_there(
        self, kept, tmp_path
    ):
        backup = copied(kept, tmp_path, kept.lists[0])
        restored(kept, tmp_path / "space", source=backup, nobody_since="I was there")
        assert not is_clean(kept, tmp_path / "space")

    def test_a_list_as_old_as_the_backup_or_none_is_not_enough(self, kept, tmp_path):
        backup = copied(kept, tmp_path, kept.lists[0])
        known = lambda: restored(kept, tmp_path / "space", source=backup)  # noqa: E731
        assert code_of(known) == "restore.erasures-unknown"
        (backup / "erasures.json").unlink()
        assert code_of(known) == "restore.erasures-unknown"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]

    def test_an_older_list_is_found_by_the_head_kept_outside(self, kept, tmp_path):
        backup = copied(kept, tmp_path, kept.lists[1])
        act = lambda: restored(kept, tmp_path / "space", source=backup, head=kept.head)  # noqa: E731
        assert code_of(act) == "restore.erasures-unknown"
        (tmp_path / "newest.json").write_bytes(kept.lists[2])
        restored(
            kept, tmp_path / "space", source=backup, head=kept.head, erasures=(tmp_path / "newest.json",)
        )
        assert is_clean(kept, tmp_path / "space")

    def test_edited_lists_are_refused(self, kept, tmp_path):
        told = json.loads(kept.lists[2])
        for change in (
            {"erased": told["erased"][:1]},
            {"erased": []},
            {"size": told["size"] + 50},
            {"time": "2099-01-01T00:00:00.000Z"},
            {"signed": "nothing"},
        ):
            backup = copied(kept, tmp_path, json.dumps({**told, **change}).encode())
            assert code_of(lambda b=backup: restored(kept, tmp_path / "s", source=b)) == "backup.list-changed"
            shutil.rmtree(backup)
        assert not (tmp_path / "s").exists()

    def test_the_list_of_another_workspace_is_refused(self, kept, tmp_path):
        other = Program(tmp_path / "other")
        do(other, "init", other.space, "--no-passphrase")
        do(other, "backup", "erasures", "--out", tmp_path / "foreign.json")
        act = lambda: restored(kept, tmp_path / "s", erasures=(tmp_path / "foreign.json",))  # noqa: E731
        assert code_of(act) == "backup.list-foreign"

    def test_the_list_of_a_sibling_restored_from_an_earlier_backup_is_refused(self, kept, tmp_path):
        """Two restores: the sibling's list does not know what the first line did later."""
        restored(kept, tmp_path / "sibling")
        again = tmp_path / "again"
        do(kept.program, "backup", "--to", again)
        with open_space(tmp_path / "sibling", passphrase=lambda _: None) as sibling:
            for _ in range(40):  # its journal is longer than the backup's
                sibling.service.show_subject("P-0001")
        do(Program(tmp_path / "sibling"), "backup", "erasures", "--out", tmp_path / "sibling.json")
        act = lambda: restored(  # noqa: E731
            kept, tmp_path / "s", source=again, erasures=(tmp_path / "sibling.json",)
        )
        assert code_of(act) == "backup.list-foreign"
        # From the backup both came from an officer answers for it; what was repeated there is on it.
        backup = copied(kept, tmp_path, kept.lists[0])
        more = {"source": backup, "erasures": (tmp_path / "sibling.json",)}
        act = lambda: restored(kept, tmp_path / "twice", **more)  # noqa: E731
        assert code_of(act) == "restore.erasures-unknown"
        restored(kept, tmp_path / "twice", nobody_since="the original is gone", **more)
        assert is_clean(kept, tmp_path / "twice")

    def test_a_backup_made_after_the_erasure_holds_nothing_of_the_person(self, kept, tmp_path):
        do(kept.program, "backup", "--to", tmp_path / "after")
        opened = b"".join(plain(kept, tmp_path / "after").values())
        assert not [marker for marker in MARKERS if marker.encode() in opened]
        assert len(opened) > 10_000

    def test_somebody_who_came_back_keeps_an_older_erasure_on_the_list(self, kept, tmp_path):
        space = sibling_of(kept, tmp_path)
        now = datetime.now(UTC).isoformat()
        (tmp_path / "yes.csv").write_text(f"subject,purpose,time\n{REF},research,{now}\n")
        head = "patient_ref,full_name,email,zip,age,diagnosis,systolic"
        (tmp_path / "new.csv").write_text(f"{head}\n{REF},New Name,new@example.org,1001,31,cough,120\n")
        program = Program(space)
        do(program, "backup", "erasures", "--out", tmp_path / "a")
        taken = program.call(
            "collect", tmp_path / "new.csv", "--dataset", "visits", "--subject-key", "patient_ref",
            "--purpose", "research", "--basis", "consent", "--drop", "", "--consents", tmp_path / "yes.csv",
        )  # fmt: skip
        assert taken.code == 0, taken.err
        assert program.call("subject", "show", REF).code == 0
        do(program, "backup", "erasures", "--out", tmp_path / "b")
        before, after = (json.loads((tmp_path / name).read_text())["erased"] for name in "ab")
        assert before == after
        assert len(after) == 2
        # What was collected later is lost with the rest; what was erased does not come back for it.
        old = copied(kept, tmp_path, kept.lists[0])
        restored(kept, tmp_path / "restored", source=old, erasures=(tmp_path / "b",))
        assert is_clean(kept, tmp_path / "restored")


class TestBudgets:
    def left(self, space):
        return {(b["dataset"], b["purpose"]): b["spent"] for b in do(Program(space), "budget", "show")}

    def test_what_was_spent_after_the_backup_is_charged_by_the_head(self, kept, tmp_path):
        done = restored(kept, tmp_path / "space", head=kept.head)
        assert (done["spending"], [c["cost"] for c in done["charged"]]) == ("replayed", [{"pure": "1/2"}])
        assert self.left(tmp_path / "space") == self.left(kept.space)
        assert Program(tmp_path / "space").call(*ASK).code == 0
        assert Program(tmp_path / "space").call("journal", "verify").code == 0

    def test_without_it_nothing_can_be_spent(self, kept, tmp_path):
        restored(kept, tmp_path / "space")
        program = Program(tmp_path / "space")
        asked = program.call(*ASK)
        assert (asked.code, asked.error) == (5, "budget.unknown")
        assert {b["left"] for b in do(program, "budget", "show")} == {"0"}
        # More limit is no way around it, nor is taking the record away beside the journal.
        do(program, "budget", "allocate", "visits", "--epsilon", "9", "--purpose", "research")
        assert program.call(*ASK).error == "budget.unknown"
        with closing(sqlite3.connect(tmp_path / "space" / "hedgerow.db")) as database, database:
            database.execute("DELETE FROM settings WHERE name = 'ledger.unknown'")
        verified = program.call("journal", "verify")
        assert (verified.code, verified.error) == (6, "records.differ")

    def test_a_backup_of_a_restored_workspace_does_not_open_its_budgets(self, kept, tmp_path):
        restored(kept, tmp_path / "space")
        program, head = Program(tmp_path / "space"), tmp_path / "head.json"
        do(program, "journal", "witness", "add", "usb", "--file", head)
        do(program, "backup", "--to", tmp_path / "second")
        restored(kept, tmp_path / "third", source=tmp_path / "second", head=head)
        assert Program(tmp_path / "third").call(*ASK).error == "budget.unknown"

    def test_two_officers_open_it_and_what_they_do_not_name_is_spent(self, kept, tmp_path):
        restored(kept, tmp_path / "space")
        program = Program(tmp_path / "space")
        for name in ("olga", "petra"):
            do(program, "principal", "add", name, "--role", "privacy-officer")
        say = ("budget", "restate", "--spent", "visits:research=1.25", "--yes", "--as")
        assert program.call(*say, "owner").error == "approval.own-name"
        waiting = program.call(*say, "olga")
        assert waiting.code == 8
        (asked,) = do(program, "approval", "list", "--as", "petra")
        assert program.call("approval", "grant", asked["id"], "--as", "olga").code == 3
        do(program, "approval", "grant", asked["id"], "--as", "petra")
        assert (
            program.call("budget", "restate", "--spent", "visits:research=0.75", "--yes", "--as", "olga").code
            == 8
        )
        assert (
            program.call("budget", "restate", "--spent", "visits:research=0.1", "--yes", "--as", "olga").code
            != 0
        )
        done = do(program, *say, "olga")
        assert [c["dataset"] for c in done["charged"]] == ["visits", "*"]
        shown = {b["dataset"]: (b["spent"], b["left"]) for b in do(program, "budget", "show")}
        assert shown == {"*": ("10", "0"), "visits": ("1.25", "2.75")}
        assert program.call(*say, "olga").error == "budget.known"
        assert program.call("journal", "verify").code == 0

    def test_a_grant_given_before_the_backup_is_not_used_a_second_time(self, kept, tmp_path):
        space = sibling_of(kept, tmp_path)
        with open_space(space, passphrase=lambda _: None) as opened:
            spine, olga, petra = opened.opened.spine, Actor("owner", "olga"), Actor("owner", "petra")
            for name in ("olga", "petra"):
                opened.service.add_principal(name, ["privacy-officer"])
            with opened.opened.store.write() as tx:
                asked = spine.approvals.four_eyes(tx, olga, "budget.restate", {"spent": {}})
            spine.approvals.decide(petra, asked.details["approval"], is_granted=True)
        do(Program(space), "backup", "--to", tmp_path / "backup")
        restored(kept, tmp_path / "new", source=tmp_path / "backup", nobody_since="seen")
        with open_space(tmp_path / "new", passphrase=lambda _: None) as opened:
            with opened.opened.store.read() as reader:
                assert [each.state for each in reader.find(Approval)] == ["expired"]
            assert opened.service.verify()["verified"]

    def test_an_older_head_or_one_of_less_spending_is_refused(self, kept, tmp_path):
        told = json.loads(kept.head.read_text())
        (tmp_path / "edited.json").write_text(json.dumps({**told, "spent": []}))
        act = lambda: restored(kept, tmp_path / "s", head=tmp_path / "edited.json")  # noqa: E731
        assert code_of(act) in ("journal.bad-signature", "witness.malformed")
        fresh = tmp_path / "fresh"
        (tmp_path / "old.json").write_text(kept.head.read_text())
        do(kept.program, "backup", "--to", fresh)
        act = lambda: restored(kept, tmp_path / "s", source=fresh, head=tmp_path / "old.json")  # noqa: E731
        assert code_of(act) == "restore.head-older"
        assert not (tmp_path / "s").exists()


def plain(kept, backup):
    """Open every sealed file of a backup with the identity; the rest as it lies there."""
    found = {}
    for path in (path for path in backup.rglob("*") if path.is_file()):
        found[path.name] = path.read_bytes()
        if path.suffix == ".sealed":
            label = {"data": "backup-data", "keys": "backup-keys", "keyfile": "backup-keyfile"}
            sink = io.BytesIO()
            with path.open("rb") as source:
                open_stream(source, sink, kept.identity, label=label[path.stem.partition("-")[0]])
            found[path.name] = sink.getvalue()
    return found


class TestKeys:
    def keys(self, kept):
        """Every key byte of the workspace: epochs, people, table files, secrets."""
        backend = key_file.open_(kept.space / "keys.json", None)
        masters = [epoch.key.reveal() for epoch in backend._ring.epochs if epoch.key is not None]
        thief = Thief(kept.space)
        secrets = [
            backend.unwrap(row["wrapped"], Binding(thief.tenant, "secret", row["name"], "", 1))
            for row in thief.rows("secrets")
        ]
        return masters, [*thief.subject_keys(), *thief.bucket_keys(), *secrets]

    def test_no_key_stands_in_any_file_and_no_master_key_in_either_set(self, kept, tmp_path):
        do(kept.program, "backup", "--to", tmp_path / "now")
        masters, others = self.keys(kept)
        assert masters
        assert len(others) > 40
        raw = [path.read_bytes() for path in (tmp_path / "now").rglob("*") if path.is_file()]
        opened = plain(kept, tmp_path / "now")
        keeper = opened.pop("keyfile.sealed")
        forms = lambda key: (key, key.hex().encode(), base64.b64encode(key))  # noqa: E731
        for key in (*masters, *others):
            assert not [form for form in forms(key) for text in (*raw, *opened.values()) if form in text]
        # Positive control: the key file alone holds the master key, and it lies apart.
        held = base64.b64decode(json.loads(keeper)["content"])
        assert all(base64.b64encode(master) in held for master in masters)

    def test_ending_the_epoch_destroys_key_sets_in_reach_and_names_the_others(self, kept, tmp_path):
        space = sibling_of(kept, tmp_path)
        program = Program(space)
        near, far = tmp_path / "near", tmp_path / "far"
        near_name = do(program, "backup", "--to", near)["backup"]
        name = do(program, "backup", "--to", far)["backup"]
        stolen = shutil.copytree(near / "keys", tmp_path / "stolen")
        wrapped = wrapped_in(kept, stolen, near_name)
        assert len(wrapped) > 40
        assert opening(wrapped, space) == len(wrapped)
        far.rename(tmp_path / "unplugged")
        shutil.move(kept.backup, tmp_path / "aside")
        try:
            done = do(program, "keys", "epoch", "--yes")
            # Once it is in reach again, it is shown as ended and goes by itself.
            (tmp_path / "unplugged").rename(far)
            states = {each["backup"]: each["keys"] for each in do(program, "backup", "list")}
            assert (states[near_name], states[name]) == ("destroyed", "ended")
            assert name in do(program, "backup", "prune", "--yes")["destroyed"]
            assert sorted(path.name for path in (far / "keys").iterdir()) == ["hedgerow-backup.json"]
        finally:
            shutil.move(tmp_path / "aside", kept.backup)
        assert sorted(path.name for path in (near / "keys").iterdir()) == ["hedgerow-backup.json"]
        body = final_body(program, done["final"][-1], tmp_path)
        told = " ".join(body["not_covered"])
        assert name in told
        assert "until" in told
        # The stolen key set opens with nothing that is held now; the key file stolen with it is what is left.
        assert opening(wrapped, space) == 0
        act = lambda: restored(kept, tmp_path / "s", source=near)  # noqa: E731
        assert code_of(act) == "backup.keys-missing"

    def test_key_sets_end_on_their_day(self, kept, tmp_path):
        space = sibling_of(kept, tmp_path)
        do(Program(space), "backup", "--to", tmp_path / "short", "--keep-keys", "1")
        clock = SetClock(datetime.now(UTC) + timedelta(days=3))
        with open_space(space, passphrase=lambda _: None, clock=clock) as opened:
            states = {b["place"]: b["keys"] for b in opened.service.backups()}
        assert states[str(tmp_path / "short")] == "destroyed"
        assert states[str(kept.backup)] == "there"
        assert not list((tmp_path / "short" / "keys").glob("*.sealed"))
        act = lambda: restored(kept, tmp_path / "s", source=tmp_path / "short")  # noqa: E731
        assert code_of(act) == "backup.keys-missing"


def wrapped_in(kept, keys, backup):
    """Read every wrapped key of a key set, with what it is bound to."""
    held, tenant = [], Thief(kept.space).tenant
    stream = RecordStream(about(tenant, backup, "keys"), KEY_KINDS, held.extend)
    stream.write(plain(kept, keys)[f"keys-{backup}.sealed"])
    assert stream.finish()["subjects"] > 30
    return [(each.wrapped, binding_of(tenant, each)) for each in held if each.wrapped is not None]


def opening(wrapped, space):
    """Count the wrapped keys that open with the key file of a workspace."""
    backend, opened = key_file.open_(space / "keys.json", None), 0
    for blob, binding in wrapped:
        with suppress(HedgerowError):
            backend.unwrap(blob, binding)
            opened += 1
    return opened


def final_body(program, certificate, tmp_path):
    do(program, "evidence", "export", "--out", tmp_path / "evidence")
    path = tmp_path / "evidence" / "documents" / "certificates" / f"{certificate}.json"
    return json.loads(path.read_text())["body"]


def test_a_stranger_with_the_recipient_cannot_pass_a_backup_off_as_ours(kept, tmp_path):
    stranger = Program(tmp_path / "stranger")
    do(stranger, "init", stranger.space, "--no-passphrase")
    do(stranger, "backup", "--to", tmp_path / "fake", "--recipient", kept.identity.recipient.text)
    with open_space(kept.space, passphrase=lambda _: None) as opened:
        ours = opened.opened.spine.attestor.fingerprint
    act = lambda: restored(  # noqa: E731
        kept, tmp_path / "s", source=tmp_path / "fake", trust=ours, nobody_since="sure"
    )
    assert code_of(act) == "backup.not-trusted"
    mixed = shutil.copytree(kept.backup, tmp_path / "mixed")
    shutil.rmtree(mixed / "keys")
    shutil.copytree(tmp_path / "fake" / "keys", mixed / "keys")
    with pytest.raises((Fault, CallerError)):
        restored(kept, tmp_path / "s", source=mixed)
    assert not (tmp_path / "s").exists()
