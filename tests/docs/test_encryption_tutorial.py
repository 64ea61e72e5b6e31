"""Proves that the encryption tutorial does what it prints, in an empty folder, with a PKCS#11 token."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.docs.console import Differs, Shell

PAGE = Path(__file__).resolve().parents[2] / "docs" / "encryption-tutorial.md"
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.mark.extra
@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_encryption_tutorial_does_what_it_prints(tmp_path):
    pytest.importorskip("pkcs11", reason="python-pkcs11 is an extra")
    if not MODULE.exists() or shutil.which("softhsm2-util") is None:
        if os.environ.get("CI"):
            pytest.fail("SoftHSM 2 (Debian: softhsm2) is missing")
        pytest.skip("SoftHSM 2 (Debian: softhsm2) is not on this machine")
    try:
        assert Shell(tmp_path).page(PAGE) > 25
    except Differs as lie:
        pytest.fail(str(lie), pytrace=False)
    assert b"abc1" not in b"".join(p.read_bytes() for p in (tmp_path / "safe").rglob("*") if p.is_file())
    assert str(MODULE) in PAGE.read_text(encoding="utf-8")
