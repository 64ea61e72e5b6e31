"""A throw-away token of SoftHSM, the software that stands in for a hardware security module."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
LABEL, PIN, OFFICER = "hedge token", "4321-hawthorn", "12345678"


@dataclass(frozen=True)
class Token:
    """One token, alone in a directory of its own.

    Args:
        module: The library.
        directory: Where the token's storage and the library's settings are.
    """

    module: Path
    directory: Path
    label: str = LABEL
    pin: str = PIN

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find it; the library reads this once."""
        return {
            "SOFTHSM2_CONF": str(self.directory / "softhsm2.conf"),
            "HEDGEROW_PKCS11_MODULE": str(self.module),
        }

    @property
    def storage(self) -> Path:
        """The token's own storage."""
        return self.directory / "tokens"


def find() -> Path | None:
    """Find the library of SoftHSM; none where it is not installed."""
    module = next((Path(name) for name in MODULES if Path(name).exists()), None)
    return module if shutil.which("softhsm2-util") else None


def make_token(directory: Path) -> Token:
    """Make a token; skip, or in CI fail, where SoftHSM is not installed."""
    module = find()
    if module is None:
        import pytest

        pytest.skip("SoftHSM 2 (Debian: softhsm2) is not on this machine")
    token = Token(module, directory)
    token.storage.mkdir()
    (directory / "softhsm2.conf").write_text(
        f"directories.tokendir = {token.storage}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    made = subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", OFFICER],
        env=os.environ | token.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return token
