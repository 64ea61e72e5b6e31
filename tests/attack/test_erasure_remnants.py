"""After an erasure an attacker with directory, key file and passphrase finds nothing of the person.

The same attacker finds every marker before the erasure (positive control), and with a copy made before it
still does afterwards: that is why the certificate says "logical" and names copies as not final. The files
are those that are current; what a disk or file system keeps of overwritten blocks is out of these tests.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from tests.attack.thief import (
    EMAIL,
    MARKERS,
    NAME,
    PASSPHRASE,
    PURPOSE,
    REF,
    RELEASE,
    VISITS,
    Thief,
    build,
    markers_in,
    write_csv,
)

from hedgerow.kernel.envelope import keyed_index
from hedgerow.kernel.merkle import VerifierKey, open_document
from hedgerow.model.keys import Binding
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.gate import binding_of

pytestmark = pytest.mark.system


def images_of(thief, lookup):
    """Collect every sealed or wrapped thing that could lead to the person, as bytes to search for."""
    number = thief.rows("subjects", lookup=lookup)[0]["number"]
    sealed = [
        r["sealed"] for kind in ("sealed_fields", "commitments") for r in thief.rows(kind, number=number)
    ]
    quarantined = [row["sealed"] for row in thief.rows("quarantined_rows")]
    batches = [row["wrapped"] for row in thief.rows("quarantine_batches")]
    result = thief.rows("requests", id="leaves")[0]
    return SimpleNamespace(
        number=number,
        wrapped=thief.rows("subjects", number=number)[0]["wrapped"],
        # The database cuts what is longer than a page into several: its ends stand whole.
        sealed=[
            *sealed,
            *quarantined,
            *batches,
            result["sealed"][:64],
            result["sealed"][-64:],
            result["wrapped"],
        ],
        buckets=[row["wrapped"] for row in thief.rows("buckets")],
        files={row["file"] for row in thief.rows("buckets")},
    )


@pytest.fixture(scope="module")
def erased(tmp_path_factory):
    """Rob the workspace before and after the person is erased."""
    folder = tmp_path_factory.mktemp("erased")
    program = build(folder, PASSPHRASE)
    shutil.copytree(folder / "space", folder / "copy")
    before = Thief(folder / "copy", PASSPHRASE)
    index_key = before.backend.unwrap(before.rows("secrets", name="index-key")[0]["wrapped"],
                                      Binding(before.tenant, "secret", "index-key", "", 1))  # fmt: skip
    lookup = keyed_index(index_key, REF)
    found_before, images = before.everything(), images_of(before, lookup)
    done = program.call("subject", "erase", REF, "--yes", "--json")
    assert done.code == 0, done.err
    after = Thief(folder / "space", PASSPHRASE)
    return SimpleNamespace(
        folder=folder, program=program, before=before, after=after, images=images, lookup=lookup,
        found_before=found_before, found_after=after.everything(), certificate=done.json,
    )  # fmt: skip


def test_the_attacker_finds_the_whole_person_before_the_erasure(erased):
    assert markers_in(erased.found_before) == set(MARKERS)
    keys = {"sealed_fields": 4, "commitments": 5, "members": 2, "consent_events": 3}
    for table, least in keys.items():
        assert len(erased.before.rows(table, number=erased.images.number)) >= least, table
    everything = [erased.images.wrapped, *erased.images.sealed, *erased.images.buckets, erased.lookup]
    assert erased.before.bytes_holding(*everything) == set(everything)


def test_nothing_that_any_remaining_key_opens_shows_the_person(erased):
    assert len(erased.found_after) > len(erased.found_before) / 2, "the others are still there"
    assert markers_in(erased.found_after) == set()
    assert any("p7@example.org" in text for text in erased.found_after)


def test_no_byte_of_any_current_file_is_an_image_of_what_was_destroyed(erased):
    assert erased.after.bytes_holding(*(marker.encode() for marker in MARKERS)) == set()
    assert erased.after.bytes_holding(erased.images.wrapped, *erased.images.sealed) == set()
    assert erased.after.bytes_holding(*erased.images.buckets) == set(), "old bucket keys remain"
    assert not erased.images.files & {path.name for path in erased.after.files}


def test_only_the_tombstone_remembers_the_keyed_hash(erased):
    stones = erased.after.rows("tombstones")
    assert [stone["lookup"] for stone in stones] == [erased.lookup]
    database = b"".join(content for path, content in erased.after.files.items() if ".db" in path.name)
    assert database.count(erased.lookup) == 1
    until = datetime.fromisoformat(stones[0]["until"]).replace(tzinfo=UTC)
    assert timedelta(0) < until - datetime.now(UTC) < timedelta(days=4 * 365)


def test_no_record_names_the_number_of_the_person(erased):
    held = [row for table in erased.after.tables() for row in erased.after.rows(table)]
    assert not [row for row in held if erased.images.number in row.values()]
    assert not [row for row in held if str(erased.images.number) in repr(row)]


def test_acts_about_the_person_cannot_be_told_from_acts_about_others(erased):
    entries = [json.loads(row["body"]) for row in erased.after.rows("journal")]
    about = [mark for entry in entries for mark in entry.get("about", ())]
    assert len(about) == len(set(about)) >= 5
    exports = [
        e["facts"]["binding"]
        for e in entries
        if e["action"] == "use.intend" and e["facts"]["lease"] == "person"
    ]
    assert len(exports) == len(set(exports)) == 4, "two exports of one person share a mark"
    actor = Actor("owner", "owner")
    for dataset, fields in (("visits", VISITS), ("accounts", ("account_ref", "balance", "branch"))):
        parameters = {"subject": erased.images.number, "fields": list(fields)}
        guess = UseRequest(actor, "data-subject-rights", dataset, parameters, "x")
        assert binding_of(guess, "disclose") not in exports, "a guess of the person can be tested"


def test_the_stored_release_is_withdrawn_and_the_private_answer_stays(erased):
    assert (erased.after.rows("requests", id="leaves")[0]["state"]) == "withdrawn"
    again = erased.program.call(*RELEASE, erased.folder / "again.csv")
    assert (again.code, again.error) == (3, "request.withdrawn")
    assert not (erased.folder / "again.csv").exists()
    asked = erased.program.call("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research",
                                "--epsilon", "0.5", "--request-id", "asks")  # fmt: skip
    assert (asked.code, "stored answer" in asked.out) == (0, True)


def test_no_command_shows_the_person(erased):
    for refused in (("subject", "show"), ("subject", "export"), ("consent", "show")):
        done = erased.program.call(*refused, REF)
        assert (done.code, done.error) == (3, "subject.erased"), refused
        assert markers_in([done.out, done.err]) == set()
    out = erased.folder / "taken"
    for line in (
        ("dataset", "list"), ("dataset", "show", "visits"), ("dataset", "show", "accounts"),
        ("journal", "show", "--last", "999"), ("journal", "verify"), ("journal", "head"), ("budget", "show"),
        ("collect", "--quarantine", "list"), ("purpose", "list"), ("principal", "list"),
        ("policy", "history"), ("released", "list"),
        ("report", "--out", out.with_suffix(".html")), ("evidence", "export", "--out", out),
        ("subject", "export", "P-0003"),
    ):  # fmt: skip
        plain = erased.program.call(*line)
        assert plain.code == 0, (line, plain.err)
        assert markers_in([plain.out, plain.err]) == set(), line
    written = [path.read_text("utf-8", "replace") for path in out.rglob("*") if path.is_file()]
    assert markers_in([*written, out.with_suffix(".html").read_text()]) == set()


def test_only_the_persons_rows_left_the_quarantine(erased):
    assert sum("thirty" in text or "too many" in text for text in erased.found_before) >= 2
    assert any("forty" in text for text in erased.found_after), (
        "another person's broken row was destroyed too"
    )
    listed = erased.program.call("collect", "--quarantine", "list", "--json").json
    assert [row["line"] for batch in listed for row in batch["rows"]] == [46]
    retried = erased.program.call("collect", "--quarantine", "retry", "--batch", listed[0]["batch"],
                                  "--empty-broken", "--json")  # fmt: skip
    assert (retried.code, retried.json["rows"]) == (0, 1), retried.err


def test_the_certificate_is_signed_and_claims_no_more_than_it_did(erased):
    body = erased.certificate["body"]
    key = VerifierKey.from_text(erased.program.call("journal", "head", "--json").json["key"]).public_key
    assert open_document(json.dumps(erased.certificate).encode(), f"hedgerow/{erased.after.tenant}", key)
    assert body["state"] == "logical"
    assert set(body["datasets"]) == {"visits", "accounts"}
    assert body["releases_that_may_hold_the_person"] == [erased.after.rows("released")[0]["id"]]
    not_final = " ".join(body["not_final_yet"])
    for named in (
        "old pages",
        "write-ahead log",
        "backups",
        "copies",
        "releases named here",
        "answers already given",
    ):
        assert named in not_final, named
    for boast in ("anonym", "irrecover", "permanent", "forever", "cannot be restored", "final erasure"):
        assert boast not in json.dumps(body).lower(), boast
    assert markers_in([json.dumps(erased.certificate)]) == set()


def test_a_copy_made_before_still_opens_as_the_certificate_says(erased):
    assert markers_in(Thief(erased.folder / "copy", PASSPHRASE).everything()) == set(MARKERS)


def test_collecting_the_person_again_leaves_the_rows_out_until_a_later_consent_is_given(erased):
    program, folder = erased.program, erased.folder
    rows = [
        [REF, NAME, EMAIL, 1001, 32, "cough", 130],
        ["P-9", "New", "n@example.org", 1000, 30, "cough", 125],
    ]
    again = write_csv(folder / "later.csv", VISITS, rows)
    line = (
        "collect",
        again,
        "--dataset",
        "visits",
        "--subject-key",
        "patient_ref",
        *PURPOSE,
        "--drop",
        "",
        "--json",
    )
    early = write_csv(folder / "early.csv", ("subject", "purpose", "time"),
                      [[REF, "research", "2025-01-01T00:00:00Z"]])  # fmt: skip
    taken = program.call(*line, "--consents", early).json
    assert (taken["rows"], taken["left_out_as_erased"], taken["new_people"]) == (1, 1, 1)
    assert program.call("subject", "show", REF).error == "subject.erased"
    later = datetime.now(UTC).isoformat()
    fresh = write_csv(folder / "fresh.csv", ("subject", "purpose", "time"),
                      [[REF, "research", later], [REF, "research", "2025-01-01T00:00:00Z"]])  # fmt: skip
    taken = program.call(*line, "--again", "--consents", fresh).json
    assert (taken["rows"], taken["left_out_as_erased"], taken["new_people"]) == (2, 0, 1)
    exported = program.call("subject", "export", REF)
    assert exported.code == 0
    assert exported.json["values"]["visits"]["fields"]["full_name"] == [NAME]
    assert [row["age"] for row in exported.json["values"]["visits"]["rows"]] == [32], "only what came later"
    new = Thief(folder / "space", PASSPHRASE).rows("subjects", lookup=erased.lookup)[0]
    assert new["number"] != erased.images.number
    assert exported.json["uses"] == [], "the uses of the erased person are not the new one's"


def test_the_source_of_one_row_cannot_be_guessed_from_the_journal(erased):
    single = write_csv(
        erased.folder / "single.csv", VISITS, [["P-1", "A B", "a@example.org", 1, 2, "cough", 3]]
    )
    line = ("collect", single, "--dataset", "single", "--subject-key", "patient_ref", *PURPOSE, "--drop", "")
    assert erased.program.call(*line).code == 0
    assert erased.program.call(*line).error == "collect.taken-before"
    plain = hashlib.sha256(single.read_bytes())
    robbed = Thief(erased.folder / "space", has_keys=False)
    assert robbed.bytes_holding(plain.digest(), plain.hexdigest().encode()) == set()
