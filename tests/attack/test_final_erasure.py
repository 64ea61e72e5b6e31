"""Once an epoch has ended, no wrapped key ever written opens, wherever a copy of it is found.

The attacker keeps a copy of every file at every moment: before and after the erasure, after a rotation, and
after the end of the epoch. He collects each image of a wrapped key out of all these databases, and what he
finds of them in raw bytes, and tries every image with every key that is still held. Before the end the images
open (positive control); after it none does. With a copy of the key file of the time they still do, which is
what the certificate's "assuming" says.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from tests.attack.thief import MARKERS, PASSPHRASE, REF, Thief, build, markers_in

from hedgerow.adapters.keys import open_
from hedgerow.kernel.merkle import VerifierKey, open_document
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding

pytestmark = pytest.mark.system


def images_of(thief):
    """Collect every wrapped key of a robbed database with what it is bound to."""
    tenant = thief.tenant
    return {
        *((r["wrapped"], Binding(tenant, "secret", r["name"], "", 1)) for r in thief.rows("secrets")),
        *((r["wrapped"], Binding(tenant, "subject-key", r["number"], "", 1)) for r in thief.rows("subjects")),
        *(
            (r["wrapped"], Binding(tenant, "bucket-key", r["dataset"], r["file"], 1))
            for r in thief.rows("buckets")
        ),
        *(
            (r["wrapped"], Binding(tenant, "result-key", r["id"], "", 1))
            for r in thief.rows("requests")
            if r["wrapped"] is not None
        ),
        *(
            (r["wrapped"], Binding(tenant, "quarantine-key", r["id"], "0", 1))
            for r in thief.rows("quarantine_batches")
        ),
    }


def opened(images, key_file, passphrase=PASSPHRASE):
    """Try each image with every key in a key file."""
    backend, found = open_(key_file, passphrase), set()
    for image, binding in images:
        try:
            backend.unwrap(image, binding)
        except Fault:
            continue
        found.add(image)
    return found


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Copy the whole workspace after each act; nothing is lost on the attacker."""
    folder = tmp_path_factory.mktemp("ended")
    program, copies = build(folder, PASSPHRASE), []

    def copy():
        copies.append(folder / f"copy-{len(copies)}")
        shutil.copytree(folder / "space", copies[-1])
        return Thief(copies[-1], PASSPHRASE)

    def act(*line):
        done = program.call(*line, "--json")
        assert done.code == 0, done.err
        return done.json

    thieves = [copy()]
    erased = act("subject", "erase", REF, "--yes")
    thieves.append(copy())
    act("keys", "rotate", "--yes")
    thieves.append(copy())
    before = set().union(*map(images_of, thieves))
    control = opened(before, folder / "space" / "keys.json")
    done = act("keys", "epoch", "--yes")
    thieves.append(copy())
    return SimpleNamespace(
        folder=folder, program=program, thieves=thieves, images=before, control=control, erased=erased,
        done=done, key_file=folder / "space" / "keys.json",
    )  # fmt: skip


def test_before_the_end_every_image_opens(ended):
    assert len(ended.images) > 80
    assert ended.control == {image for image, _ in ended.images}


def test_after_it_none_opens_with_any_key_that_is_held(ended):
    assert opened(ended.images, ended.key_file) == set()
    survivors = images_of(ended.thieves[-1])
    assert opened(survivors, ended.key_file) == {image for image, _ in survivors}
    assert not {image for image, _ in survivors} & ended.control


def test_no_current_file_holds_an_image_or_a_marker(ended):
    now = ended.thieves[-1]
    assert now.bytes_holding(*ended.control) == set()
    assert now.bytes_holding(*(marker.encode() for marker in MARKERS)) == set()
    assert markers_in(now.everything()) == set()
    assert any("p7@example.org" in text for text in now.everything()), "the others are still there"


def test_an_old_database_under_the_key_file_of_today_shows_nobody(ended):
    old = ended.folder / "old"
    shutil.copytree(ended.folder / "copy-0", old)
    shutil.copy(ended.key_file, old / "keys.json")
    robbed = Thief(old, PASSPHRASE)
    assert robbed.subject_keys() == []
    assert robbed.bucket_keys() == []
    assert markers_in(robbed.everything()) == set()


def test_a_wrapped_key_put_back_from_an_old_copy_fails_closed(ended):
    planted = ended.folder / "planted"
    shutil.copytree(ended.folder / "space", planted)
    old = next(r for r in ended.thieves[0].rows("subjects"))
    with closing(sqlite3.connect(planted / "hedgerow.db")) as connection, connection:
        connection.execute(
            "UPDATE subjects SET wrapped = ? WHERE number = ?", (old["wrapped"], old["number"])
        )
        connection.execute("INSERT OR IGNORE INTO subjects VALUES (?, ?, ?, ?)", tuple(old.values()))
    program = type(ended.program)(planted, PASSPHRASE)
    refs = [f"P-{i:04d}" for i in range(40)] + [REF]
    codes = [program.call("subject", "export", ref).code for ref in refs]
    assert codes.count(6) == 1, "the one whose key was put back is a fault of integrity"
    assert set(codes) <= {0, 3, 6}


def test_a_copy_of_the_key_file_of_the_time_still_opens_as_the_certificate_says(ended):
    assert opened(ended.images, ended.folder / "copy-2" / "keys.json") == ended.control
    final = _final(ended)
    assert final["body"]["assuming"] == "no copy of the key file"


def _final(ended):
    (name,) = ended.done["final"]
    return json.loads(next(r for r in ended.thieves[-1].rows("certificates") if r["id"] == name)["body"])


def test_the_final_certificate_is_signed_and_names_the_logical_one(ended):
    final = _final(ended)
    key = VerifierKey.from_text(ended.program.call("journal", "head", "--json").json["key"]).public_key
    assert open_document(json.dumps(final).encode(), f"hedgerow/{ended.thieves[-1].tenant}", key)
    body = final["body"]
    assert (body["state"], body["erasure"]) == ("final", ended.erased["body"]["certificate"])
    assert [e["epoch"] for e in body["epochs_destroyed"]] == ended.erased["body"]["epochs"]
    assert markers_in([json.dumps(final)]) == set()
    assert ended.program.call("journal", "verify").code == 0


def test_the_people_who_stayed_are_read_as_before(ended):
    shown = ended.program.call("subject", "export", "P-0003", "--json")
    assert shown.code == 0
    assert "p3@example.org" in shown.out
    asked = ended.program.call("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research",
                               "--epsilon", "0.5", "--request-id", "asks")  # fmt: skip
    assert (asked.code, "stored answer" in asked.out) == (0, True)
