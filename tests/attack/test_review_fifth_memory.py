"""Each command that handles a key or passphrase first keeps its memory out of core files and other reach."""

from __future__ import annotations

import pytest
from tests.program import Program

from hedgerow.app import hardening

LINES = {
    "restore": ("restore", "b", "--identity", "id", "--space", "new"),
    "escrow": ("keys", "escrow-restore", "e", "--identity", "id", "--space", "new"),
    "identity": ("file", "identity", "--out", "nowhere/me", "--no-passphrase"),
    "open": ("file", "open", "f", "--identity", "id", "--out", "o"),
    "seal": ("file", "seal", "f", "--passphrase", "--out", "o"),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_no_command_with_a_secret_can_be_dumped(line, tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(hardening, "forbid_dumps", lambda: called.append(line))
    monkeypatch.chdir(tmp_path)
    assert Program().call(*line).code != 0
    assert called
