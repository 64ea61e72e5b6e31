"""Measure a fresh install of the core and of all extras: seconds and megabytes, beside their bounds.

``python tools/measure_install.py`` measures the core; with ``--full`` the full environment too.
Exits with 1 when the core breaks a bound.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from environment import CACHE, ENVIRONMENTS, at, build

CORE_LIMIT_S = 90
CORE_LIMIT_MB = 700


def megabytes(folder: Path) -> float:
    """Add up what the files of a folder occupy, links not followed."""
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*")) / 1e6


def measure(name: str) -> tuple[float, float]:
    """Build an environment at a scratch place and throw it away.

    Args:
        name: A name of ENVIRONMENTS.

    Returns:
        Seconds and megabytes.
    """
    scratch = at(ENVIRONMENTS[name], CACHE / f"measure-{name}")
    shutil.rmtree(scratch.path, ignore_errors=True)
    try:
        return build(scratch), megabytes(scratch.path)
    finally:
        shutil.rmtree(scratch.path, ignore_errors=True)


def main() -> None:
    """Print one line for each environment."""
    seconds, size = measure("venv")
    print(f"core install: {seconds:.0f} s (at most {CORE_LIMIT_S}), {size:.0f} MB (at most {CORE_LIMIT_MB})")
    if "--full" in sys.argv[1:]:
        full_seconds, full_size = measure("full")
        print(f"full environment: {full_seconds:.0f} s, {full_size:.0f} MB")
    if seconds > CORE_LIMIT_S or size > CORE_LIMIT_MB:
        sys.exit("The core install breaks its bound.")


if __name__ == "__main__":
    main()
