"""Nothing that lies in a workspace opens anything without the token, and no key can be taken out of it.

The attacker has every file of the workspace, its PIN and a token of his own; he may write into the workspace
too. He tries whatever stands in the files as a key, puts his token in the place of the real one, and tries to
make the program load a library of his choice. Positive control: with the token it all opens, and a copy of
the token's own storage made before an epoch ended still opens what lay under it, as the certificate says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pkcs11
import pytest
from cryptography.exceptions import InvalidTag
from tests.attack.thief import MARKERS, Thief, build, markers_in
from tests.hsm import make_token
from tests.program import Program

from hedgerow.adapters.keys import tokenfile
from hedgerow.adapters.keys.login import log_in
from hedgerow.kernel.envelope import EpochCipher, epoch_of
from hedgerow.model.errors import Fault
from hedgerow.model.keys import SecretKey

pytestmark = pytest.mark.extra

_OPENS = """
import sqlite3, sys
from hedgerow.adapters.keys.token import open_
from hedgerow.model.errors import HedgerowError
from hedgerow.model.keys import Binding
space, pin = sys.argv[1:]
try:
    keys = open_(space + "/token.json", pin)
except HedgerowError as error:
    sys.exit(error.code)
rows = sqlite3.connect(space + "/hedgerow.db")
(tenant,) = rows.execute("SELECT value FROM settings WHERE name = 'tenant'").fetchone()
opened = 0
for number, wrapped in rows.execute("SELECT number, wrapped FROM subjects"):
    try:
        keys.unwrap(wrapped, Binding(tenant, "subject-key", number, "", 1))
        opened += 1
    except HedgerowError as error:
        code = error.code
sys.exit(f"opened {opened}" if opened else code)
"""


class Guessing:
    """Tries every key the thief can think of."""

    def __init__(self, candidates):
        self.candidates = candidates

    def unwrap(self, blob, binding):
        for key in self.candidates:
            try:
                return EpochCipher(epoch_of(blob), SecretKey(key)).unwrap(blob, binding)
            except (Fault, InvalidTag):
                continue
        raise Fault("envelope.unreadable")


@pytest.fixture(scope="module")
def robbed(tmp_path_factory, the_token):
    """Make a workspace, move its keys into the token, and copy everything before and after an epoch ends."""
    folder = tmp_path_factory.mktemp("robbed")
    build(folder, None)
    around = the_token.environment | {"HEDGEROW_NEW_PASSPHRASE": the_token.pin}
    moving = Program(folder / "space", None, around)
    moved = moving.call("keys", "move", "--to", "pkcs11", "--token", the_token.label, "--yes")
    assert moved.code == 0, moved.err
    shutil.copytree(folder / "space", folder / "before")
    shutil.copytree(the_token.storage, folder / "storage")
    program = Program(folder / "space", the_token.pin, the_token.environment)
    assert program.call("keys", "epoch", "--yes").code == 0
    shutil.copytree(folder / "space", folder / "after")
    return SimpleNamespace(folder=folder, program=program, token=the_token)


def opens(space, token, storage=None):
    """Try every person's key in a copy of the workspace, in a process of its own; say what came of it."""
    around = os.environ | token.environment
    if storage is not None:
        conf = storage.parent / f"{storage.name}.conf"
        conf.write_text(
            (token.directory / "softhsm2.conf").read_text().replace(str(token.storage), str(storage))
        )
        around = around | {"SOFTHSM2_CONF": str(conf)}
    line = [sys.executable, "-c", _OPENS, str(space), token.pin]
    return subprocess.run(line, env=around, capture_output=True, text=True, check=False).stderr.strip()


def candidates(space, pin):
    """Everything in the files and the PIN that could be a key, or that a key could come from."""
    text = (space / "token.json").read_text()
    words = {pin, text, *re.findall(r'"([^"]*)"', text)}
    found = {hashlib.sha256(word.encode()).digest() for word in words}
    found |= {bytes.fromhex(word) for word in words if re.fullmatch(r"[0-9a-f]{64}", word)}
    found |= {bytes.fromhex(word) * 2 for word in words if re.fullmatch(r"[0-9a-f]{32}", word)}
    return [*found, bytes(32)]


def test_no_file_of_the_workspace_opens_anything(robbed):
    assert re.fullmatch(r"opened \d+", opens(robbed.folder / "after", robbed.token)), (
        "with the token it opens"
    )
    for copy in ("before", "after"):
        thief = Thief(robbed.folder / copy, has_keys=False)
        thief.backend = Guessing(candidates(thief.directory, robbed.token.pin))
        assert not (thief.directory / "keys.json").exists()
        assert (thief.subject_keys(), thief.bucket_keys()) == ([], [])
        assert markers_in(thief.everything()) == set()
        assert thief.bytes_holding(*(marker.encode() for marker in MARKERS)) == set()


def test_a_token_of_the_thief_opens_nothing(robbed, tmp_path):
    own = make_token(tmp_path)
    space = tmp_path / "space"
    shutil.copytree(robbed.folder / "after", space)
    assert opens(space, own) == "keys.token-absent", "a token of the same label is another token"
    record = tokenfile.parse((space / "token.json").read_bytes(), "here")
    script = (
        "import sys\nfrom hedgerow.adapters.keys.login import log_in\n"
        "login = log_in(sys.argv[1], None, sys.argv[2])\n"
        "if sys.argv[3:]: login.generate(*sys.argv[3:])\nprint(login.serial)\n"
    )

    def thiefs(*more):
        line = [sys.executable, "-c", script, own.label, own.pin, *more]
        around = os.environ | own.environment
        return subprocess.run(line, env=around, capture_output=True, text=True, check=True).stdout.strip()

    planted = tokenfile.TokenRecord(record.tenant, own.label, thiefs(), record.epochs)
    (space / "token.json").write_bytes(planted.rendered())
    assert opens(space, own) == "keys.token-key-gone"
    thiefs(record.epochs[-1].id, record.key_label)
    assert opens(space, own) == "envelope.unreadable", "a key under the same name is another key"


def test_the_key_cannot_be_taken_out_of_the_token(robbed, hsm):
    record = tokenfile.parse((robbed.folder / "after" / "token.json").read_bytes(), "here")
    login = log_in(robbed.token.label, None, robbed.token.pin)
    key = login.keys(record.key_label)[record.epochs[-1].id]
    attribute = pkcs11.Attribute
    with pytest.raises(pkcs11.AttributeSensitive):
        key[attribute.VALUE]
    made = login._session.generate_key(
        pkcs11.KeyType.AES, 256, capabilities=pkcs11.MechanismFlag.WRAP | pkcs11.MechanismFlag.UNWRAP
    )
    with pytest.raises(pkcs11.PKCS11Error):
        made.wrap_key(key, mechanism=pkcs11.Mechanism.AES_KEY_WRAP)
    for changed in ({attribute.EXTRACTABLE: True}, {attribute.SENSITIVE: False}):
        with pytest.raises(pkcs11.PKCS11Error):
            key.copy(changed)


def test_an_ended_epoch_opens_only_with_a_copy_of_the_tokens_own_storage(robbed):
    folder = robbed.folder
    old = shutil.copytree(folder / "before", folder / "old")
    assert opens(old, robbed.token) == "keys.token-key-gone"
    assert re.fullmatch(r"opened \d+", opens(old, robbed.token, folder / "storage")), (
        "as the certificate says"
    )
    shutil.copy(folder / "after" / "token.json", old / "token.json")
    assert opens(old, robbed.token) == "keys.epoch-destroyed"


def test_who_writes_into_the_workspace_chooses_no_library(robbed, tmp_path):
    space = shutil.copytree(robbed.folder / "after", tmp_path / "space")
    source, trap = tmp_path / "trap.c", space / "libsofthsm2.so"
    source.write_text(
        '#include <stdio.h>\n__attribute__((constructor)) void f(void) {fopen("%s", "w");}\n'
        % (tmp_path / "sprung")
    )
    trap.write_text("")
    compiler = shutil.which("cc")
    if compiler:
        subprocess.run([compiler, "-shared", "-fPIC", "-o", trap, source], check=True)
    content = json.loads((space / "token.json").read_text()) | {"module": str(trap)}
    del content["checksum"]
    content["checksum"] = tokenfile._checksum(content)
    for module, planted, code in (
        (str(robbed.token.module), True, "keys.file-corrupt"),
        ("", False, "keys.module-unset"),
        ("libsofthsm2.so", False, "keys.module-unusable"),
        ("./libsofthsm2.so", False, "keys.module-unusable"),
    ):
        text = json.dumps(content) if planted else (robbed.folder / "after" / "token.json").read_text()
        (space / "token.json").write_text(text)
        around = robbed.token.environment | {"HEDGEROW_PKCS11_MODULE": module}
        said = Program(space, robbed.token.pin, around).type("doctor", cwd=space)
        assert (said.error, (tmp_path / "sprung").exists()) == (code, False)
