"""Proves that no key, passphrase or PIN ever stands in what the program writes, prints or shows of itself.

Every key is noted as it is made or first used: whatever a cipher, a keyed hash or a signature is given,
and whatever is wrapped. Then the commands run, with faults injected at the disk, the store and the
keys, and with a traceback asked for. Nothing printed and no file may hold one of them, raw or written
in any usual way; neither may the ``repr`` or the ``vars`` of an object that an open workspace leads to,
but the few that hold keys as bytes.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import pytest
from tests.attack.thief import PURPOSE, RELEASE, write_sources

from hedgerow.adapters.files import DirectoryShelf
from hedgerow.adapters.keys import keyfile
from hedgerow.adapters.keys.ring import RingKeys
from hedgerow.adapters.store.sqlite import SqliteView
from hedgerow.cli.main import main
from hedgerow.kernel.envelope import EpochCipher, deriving, sealing, wrapping
from hedgerow.model.errors import Fault
from hedgerow.spine.attest import Attestor

# Thirty commands that each open a sealed key file.
pytestmark = pytest.mark.slow

PASSPHRASE = "correct horse battery staple"
LINES = (
    ("purpose", "add", "research", "--why", "health", "--owner", "owner", "--until", "2099-01-01"),
    ("collect", "visits.csv", "--dataset", "visits", "--subject-key", "patient_ref", *PURPOSE, "--drop", "",
     "--consents", "consents.csv"),
    (*RELEASE, "released.csv"),
    ("dataset", "declare", "visits", "--max-rows", "2", "--bounds", "systolic=80:220"),
    ("budget", "allocate", "visits", "--epsilon", "4", "--purpose", "research"),
    ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.5",
     "--request-id", "asks", "--json"),
    ("subject", "export", "P-0001", "--json"),
    ("subject", "erase", "P-0002", "--yes", "--json"),
    ("keys", "epoch", "--yes", "--json"),
    ("keys", "status", "--json"),
    ("journal", "show", "--json"),
    ("evidence", "export", "--out", "evidence"),
    ("report", "--out", "report.html"),
    ("doctor", "--json"),
)  # fmt: skip


class Known:
    """Every key that was ever made or used."""

    def __init__(self):
        self.keys = set()

    def note(self, *keys):
        self.keys |= {bytes(key) for key in keys if len(key) >= 16}


@pytest.fixture(scope="module")
def known():
    noted = Known()
    with contextlib.ExitStack() as stack:
        for module in (sealing, wrapping):
            real = module.AESGCM
            patch = mock.patch.object(
                module, "AESGCM", lambda key, real=real: (noted.note(key), real(key))[1]
            )
            stack.enter_context(patch)
        for owner, name, which in (
            (EpochCipher, "wrap", 1), (RingKeys, "wrap", 1), (Attestor, "__init__", 1),
        ):  # fmt: skip
            real = getattr(owner, name)

            def watched(*given, real=real, which=which, **named):
                noted.note(given[which])
                return real(*given, **named)

            stack.enter_context(mock.patch.object(owner, name, watched))
        mac = deriving._mac
        stack.enter_context(
            mock.patch.object(deriving, "_mac", lambda key, text: (noted.note(key), mac(key, text))[1])
        )
        yield noted


def spoken(*arguments):
    """Run a command as a person does who asks for tracebacks; give all that was printed."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), contextlib.suppress(SystemExit):
        main([str(argument) for argument in arguments])
    return out.getvalue() + err.getvalue()


FAULTS = {
    # First: a change of keys that was cut off later on goes on without a new one.
    "a key file is not written": lambda: mock.patch.object(
        keyfile, "render", side_effect=OSError(28, "full")
    ),
    "the disk is full": lambda: mock.patch.object(DirectoryShelf, "create", side_effect=OSError(28, "full")),
    "the store breaks": lambda: mock.patch.object(SqliteView, "add", side_effect=RuntimeError("broke")),
    "a key does not open": lambda: mock.patch.object(
        RingKeys, "unwrap_many", side_effect=Fault("keys.epoch-unknown")
    ),
    "a seal does not open": lambda: mock.patch.object(sealing, "AESGCM", side_effect=ValueError("no cipher")),
}
AT_FAULT = (
    (
        "collect",
        "accounts.csv",
        "--dataset",
        "accounts",
        "--subject-key",
        "account_ref",
        *PURPOSE,
        "--drop",
        "",
    ),
    ("keys", "rotate", "--yes"),
    ("subject", "export", "P-0003"),
)


@pytest.fixture(scope="module")
def lived(known, tmp_path_factory):
    """Let every command run, sound and at fault; gives what was printed and where it all lies."""
    folder = tmp_path_factory.mktemp("bytes")
    write_sources(folder)
    around = {
        "HEDGEROW_SPACE": str(folder / "space"), "HEDGEROW_PASSPHRASE": PASSPHRASE, "HEDGEROW_DEBUG": "1",
    }  # fmt: skip
    with mock.patch.dict(os.environ, around), contextlib.chdir(folder):
        said = [spoken("init", folder / "space"), *(spoken(*line) for line in LINES)]
        assert not any("Traceback" in text for text in said), said
        for name, fault in FAULTS.items():
            with fault():
                told = [spoken(*line) for line in AT_FAULT]
            assert any("Traceback" in text for text in told), name
            said += told
        with mock.patch.dict(os.environ, {"HEDGEROW_PASSPHRASE": "wrong horse"}):
            said.append(spoken("doctor"))
            assert "keys.wrong-passphrase" in said[-1]
    return folder, said


def written(key):
    """The ways a key may stand in a text or a file."""
    forms = {key, key.hex().encode(), key.hex().upper().encode(), repr(key)[2:-1].encode()}
    for start in range(3):
        # Wherever it begins in what was encoded, these are its own characters.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(start) + key)[4 if start else 0 : -4])
    forms.add(",".join(map(str, key)).encode())
    forms.add(", ".join(map(str, key)).encode())
    return {form for form in forms if len(form) >= 12}


def holders(known, content):
    """Tell how many keys stand in a content, in whatever way."""
    return sum(any(form in content for form in written(key)) for key in known.keys)


@pytest.mark.usefixtures("lived")
def test_keys_of_every_kind_are_known(known):
    assert len(known.keys) > 50
    # A key that is planted is found, however it is written.
    key = min(known.keys)
    for form in (key, key.hex().encode(), base64.b64encode(b"{" + key + b"}"), repr([key]).encode()):
        assert holders(known, b"before " + form + b" after") >= 1, form


def test_nothing_printed_holds_one(known, lived):
    _, said = lived
    text = "\n".join(said).encode()
    assert holders(known, text) == 0
    assert PASSPHRASE.encode() not in text


def test_no_file_holds_one(known, lived):
    folder, _ = lived
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"keys.json", "hedgerow.db", "report.html", "released.csv", "verify.py"} <= {p.name for p in files}
    for path in files:
        content = path.read_bytes()
        assert (holders(known, content), PASSPHRASE.encode() in content) == (0, False), path.name


def test_no_object_shows_one(known, lived):
    from hedgerow.app.space import open_space

    folder, _ = lived
    with open_space(folder / "space", passphrase=PASSPHRASE) as space:
        space.subject("P-0004").show()
        shown = 0
        for each in reachable(space):
            if type(each).__module__.split(".")[0] != "hedgerow":
                continue
            shown += 1
            for text in (repr(each), str(each), f"{each}"):
                assert holders(known, text.encode("utf-8", "replace")) == 0, type(each)
                assert PASSPHRASE not in text, type(each)
    assert shown > 40


def reachable(start):
    """Walk every object that one leads to, but modules and code."""
    seen, waiting = {id(start)}, [start]
    while waiting:
        each = waiting.pop()
        yield each
        for other in gc.get_referents(each):
            if id(other) not in seen and not isinstance(other, (type, type(os), type(reachable))):
                seen.add(id(other))
                waiting.append(other)


def test_a_failing_seal_raises_without_a_value():
    with pytest.raises(ValueError, match="a key must be") as caught:
        sealing.seal(b"short and secret", b"value", mock.Mock(as_bytes=lambda: b""))
    assert not re.search("short|secret", str(caught.value))
