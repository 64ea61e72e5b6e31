"""Proves the certificate of a release: written beside the file, all or nothing, checked with nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from html.parser import HTMLParser

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.app import outputs
from hedgerow.app.space import open_space
from hedgerow.kernel.merkle.canonical import canonical_json
from hedgerow.kernel.merkle.certified_file import (
    ACTION,
    KIND,
    body_told,
    check_certificate,
    write_certificate,
)
from hedgerow.kernel.merkle.checkpoint import sign_checkpoint
from hedgerow.kernel.merkle.document import sign_document
from hedgerow.kernel.merkle.note import fingerprint
from hedgerow.kernel.merkle.tree import leaf_hash, root_of
from hedgerow.model.errors import CallerError

ASK = (
    "release",
    "visits",
    "--purpose",
    "research",
    "--quasi",
    "age,sex",
    "--sensitive",
    "diagnosis",
    "--k",
    "5",
)
USE = ("--as", "priya")


@pytest.fixture
def left(hedgerow, tmp_path):
    """Give the file of a release."""
    out = tmp_path / "visits-k5.csv"
    hedgerow(*ASK, *USE, "--out", out)
    return out


def beside(out, end="json"):
    return out.with_name(f"{out.name}.certificate.{end}")


def refused(hedgerow, path, *more):
    done = hedgerow("released", "verify", path, *more, code=6)
    assert done.error == "released.not-as-certified"
    return done.err


def test_it_is_written_and_verified_where_there_is_no_workspace(hedgerow, nowhere, left, tmp_path):
    document = json.loads(beside(left).read_text())
    signed, body = document["certificate"], document["certificate"]["body"]
    assert body["file"] == {
        "sha256": hashlib.sha256(left.read_bytes()).hexdigest(),
        "bytes": left.stat().st_size,
    }
    assert (body["released_by"], body["purpose"], body["legal_class"]) == (
        "priya", "research", "pseudonymised personal data",
    )  # fmt: skip
    assert {each["name"]: each["released_as"] for each in body["columns"]} == {
        "age": "quasi-identifier", "sex": "quasi-identifier", "diagnosis": "sensitive attribute",
    }  # fmt: skip
    assert [body["parameters"][name] for name in ("k", "quasi")] == [5, ["age", "sex"]]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = elsewhere / left.name
    moved.write_bytes(left.read_bytes())
    beside(moved).write_bytes(beside(left).read_bytes())
    found = nowhere("released", "verify", moved, "--key", signed["fingerprint"], "--json").json
    assert (found["verified"], found["key_checked"], found["release"]) == (True, True, body["release"])
    told = nowhere("released", "verify", moved).out
    assert "pseudonymised personal data, not anonymous (GDPR" in told
    assert "k-anonymous is not anonymous" in told
    assert "was not checked" in told
    for path in (left, beside(left), beside(left, "html")):
        assert path.stat().st_mode & 0o077 == 0
    hedgerow("journal", "verify")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["certificate"]["body"].update(purpose="care"), "does not fit what it states"),
        (lambda d: d["certificate"]["body"]["findings"].update(k=50), "does not fit what it states"),
        (lambda d: d["certificate"].update(entry_index=0), "does not fit what it states"),
        (lambda d: d["journal"].update(entry="{}"), "altered"),
        (lambda d: d["journal"].update(entry=d["journal"]["entry"].upper()), "altered"),
        (lambda d: d["journal"].update(entry=d["journal"]["entry"].replace("2", "3", 1)), "journal entry"),
        (lambda d: d["journal"].update(inclusion=d["journal"]["inclusion"][1:]), "not under the signed head"),
        (lambda d: d["journal"].update(checkpoint="x" + d["journal"]["checkpoint"]), "head of the journal"),
        (lambda d: d.update(public_key=base64.b64encode(bytes(32)).decode()), "does not fit what it states"),
        (lambda d: d.update(format="hedgerow/other/v1"), "no certificate"),
    ],
)  # fmt: skip
def test_a_certificate_that_was_altered_is_told(hedgerow, left, change, told):
    document = json.loads(beside(left).read_text())
    change(document)
    beside(left).write_text(json.dumps(document))
    assert told in refused(hedgerow, left)


def test_a_file_that_was_changed_or_is_another_is_told(hedgerow, left, tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(left.read_bytes()[:-2] + b"z\n")
    assert "the file is another" in refused(hedgerow, other, "--certificate", beside(left))
    left.write_bytes(left.read_bytes() + b"40-59,male,none\n")
    assert "the file is another, or was changed" in refused(hedgerow, left)


def test_another_key_is_told(hedgerow, left):
    assert "signed by another key" in refused(hedgerow, left, "--key", "SHA256:" + "A" * 43)


def test_what_is_not_there_is_a_wrong_call(hedgerow, left, tmp_path):
    assert hedgerow("released", "verify", tmp_path / "no.csv", code=2).error == "file.missing"
    beside(left).unlink()
    assert hedgerow("released", "verify", left, code=2).error == "released.no-certificate-file"
    beside(left).write_bytes(b"\xff{")
    assert "no certificate" in refused(hedgerow, left)


def test_every_changed_byte_of_what_is_signed_is_told(left):
    """Flips bytes all over the certificate: none passes, and none breaks the check."""
    stored, file_hash = beside(left).read_bytes(), hashlib.sha256(left.read_bytes()).hexdigest()
    assert check_certificate(stored, file_hash).problems == ()
    for place in range(1, len(stored) - 2, max(1, len(stored) // 400)):
        changed = bytearray(stored)
        changed[place] ^= 1
        assert check_certificate(bytes(changed), file_hash).problems, place


def test_repeating_the_request_writes_the_same(hedgerow, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    for out in (first, second):
        hedgerow(*ASK, *USE, "--request-id", "once", "--out", out)
    assert first.read_bytes() == second.read_bytes()
    assert beside(first).read_bytes() == beside(second).read_bytes()
    assert beside(first, "html").read_bytes() == beside(second, "html").read_bytes()


@pytest.mark.parametrize("end", ["json", "html"])
def test_one_that_is_there_is_refused_before_anything_is_spent(hedgerow, tmp_path, end):
    out = tmp_path / "visits-k5.csv"
    beside(out, end).write_text("mine")
    assert hedgerow(*ASK, *USE, "--out", out, code=2).error == "out.exists"
    assert hedgerow("released", "list", "--json", *USE).json == []
    assert [path.name for path in tmp_path.glob("visits-k5*")] == [beside(out, end).name]
    assert beside(out, end).read_text() == "mine"


@pytest.mark.parametrize("fails_at", [0, 1, 2])
@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_cannot_be_named_leaves_none(tmp_path, monkeypatch, fails_at, force):
    outs = [tmp_path / name for name in ("a", "b", "c")]
    if force:
        for out in outs[:2]:
            out.write_text(f"older {out.name}")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    real, calls = outputs._name_new, []

    def failing(part, out):
        if out in outs:
            calls.append(out)
            if len(calls) == fails_at + 1:
                raise OSError
        real(part, out)

    monkeypatch.setattr(outputs, "_name_new", failing)
    with pytest.raises(CallerError) as caught:
        outputs.write_together(dict.fromkeys(outs, b"new"), force=force)
    assert caught.value.code == "out.unwritable"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    monkeypatch.undo()
    outputs.write_together(dict.fromkeys(outs, b"new"), force=force)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("abc", "new")


def test_whoever_may_not_see_exact_risk_gets_no_number(hedgerow, space, tmp_path):
    with open_space(space, passphrase=lambda _: None) as opened:
        text = opened.service.policy()["text"]
        told = '@id("analyst-may-release")\n@reason("for this test")\n'
        rule = 'permit (principal in Role::"analyst", action == Action::"release", resource);\n'
        opened.service.apply_policy(text + told + rule)
    out = tmp_path / "visits-k5.csv"
    done = hedgerow(*ASK, "--as", "ana", "--out", out, "--json").json
    assert (done["summary"], done["certificate"]) == ({}, None)
    assert [path.name for path in tmp_path.glob("visits-k5*")] == ["visits-k5.csv"]
    shown = hedgerow(*ASK, "--as", "ana", "--out", tmp_path / "again.csv").out
    assert "class" not in shown
    assert hedgerow("released", "show", done["release"], "--as", "ana", code=3)
    signed = hedgerow("released", "show", done["release"], "--certificate", *USE).out
    beside(out).write_text(signed)
    assert hedgerow("released", "verify", out, "--json").json["release"] == done["release"]


class Page(HTMLParser):
    """Read a page for what it loads, runs and draws."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_its_page_runs_nothing_and_draws_each_figure_with_its_table(hedgerow, left, tmp_path):
    page = Page(beside(left, "html").read_text())
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(names)
    assert not any(
        name.startswith("on") or name in ("src", "style") for _, held in page.tags for name in held
    )
    policy = next(held["content"] for _, held in page.tags if held.get("http-equiv"))
    assert "script-src 'none'" in policy
    charts = [held for tag, held in page.tags if tag == "svg" and held.get("class") == "chart"]
    assert len(charts) >= 2
    assert names.count("figure") == len(charts)
    said = " ".join(page.text)
    assert "not refuted, with power to see" in said
    for words in ("pseudonymised personal data", "detail kept", "Prosecutor, highest"):
        assert words in said


def test_one_that_is_withdrawn_says_so(hedgerow, left, tmp_path):
    release = json.loads(beside(left).read_text())["certificate"]["body"]["release"]
    retire = ("released", "retire", release, "--reason", "a column too many")
    assert hedgerow(*retire, *USE, code=2).error == "confirm.needed"
    assert hedgerow("released", "show", release, "--json", *USE).json["retired"] is None
    assert hedgerow(*retire, "--yes", "--as", "ana", code=3)
    hedgerow(*retire, "--yes", *USE)
    shown = hedgerow("released", "show", release, "--json", *USE).json["retired"]
    assert (shown["by"], shown["reason"]) == ("priya", "a column too many")
    assert "Withdrawn" in hedgerow("released", "show", release, *USE).out
    page = tmp_path / "page.html"
    hedgerow("released", "show", release, "--out", page, *USE)
    assert "This release was withdrawn." in page.read_text()
    assert hedgerow(*retire, "--yes", *USE, code=3).error == "released.retired"
    unknown = ("released", "retire", "R-0", "--reason", "x", "--yes", *USE)
    assert hedgerow(*unknown, code=2).error == "released.unknown"
    hedgerow("journal", "verify")


def forged(folder, **stated):
    """A file with a certificate that somebody made and signed with a key of their own."""
    key, origin, data = Ed25519PrivateKey.generate(), "elsewhere.example/log", b"a,b\n1,2\n"
    sha = hashlib.sha256(data).hexdigest()
    body = {
        "certificate": "rc-1", "release": "R-1", "dataset": "visits", "purpose": "research",
        "released": "2026", "released_by": "po", "legal_class": "x", "legal_words": ["w"], "obligations": [],
        "findings": {"limits": "l", "statements": []}, "file": {"sha256": sha, "bytes": len(data)}, **stated,
    }  # fmt: skip
    facts = {"release": body["release"], "body": body_told(body), "file": sha}
    entry = canonical_json({"index": 0, "action": ACTION, "facts": facts})
    leaf, named = leaf_hash(entry), fingerprint(key.public_key())
    record = {
        "kind": KIND, "origin": origin, "fingerprint": named, "body": body, "entry_index": 0,
        "leaf_hash": base64.b64encode(leaf).decode(),
    }  # fmt: skip
    head = sign_checkpoint(origin, 1, root_of([leaf]), key)
    signed = json.loads(sign_document(record, origin, key))
    out = folder / "forged.csv"
    out.write_bytes(data)
    beside(out).write_bytes(write_certificate(signed, key.public_key().public_bytes_raw(), entry, [], head))
    return out


def test_a_forged_certificate_does_not_speak_in_our_name(nowhere, tmp_path):
    told = "research, as certified.\nCertificate rc-1: signed by the key you named, SHA256:x"
    shown = nowhere("released", "verify", forged(tmp_path, purpose=told, legal_words=["w\nIn law: free"])).out
    assert not any(line.startswith("Certificate") and "key you named" in line for line in shown.splitlines())
    assert [line for line in shown.splitlines() if line.startswith("In law")] == ["In law: x."]
    assert "whose key that is was not checked" in shown


@pytest.mark.parametrize(
    "stated",
    [{"legal_words": None}, {"legal_words": 5}, {"findings": 7}, {"purpose": ["x"]}, {"obligations": [1]}],
)
def test_a_certificate_that_states_too_little_is_refused(nowhere, tmp_path, stated):
    assert "too little" in refused(nowhere, forged(tmp_path, **stated))
    assert forged(tmp_path).exists()
