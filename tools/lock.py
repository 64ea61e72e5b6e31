"""Write constraints.txt: the one set of versions that all extras share, resolved by plain pip.

Only ``name==version`` lines are written: no hosts, no paths, no hashes, and no local version
suffix (``+cpu``), so that the file means the same on every index.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from environment import CACHE, CONSTRAINTS, ROOT, Environment, build, clean_environ

RESOLVER = Environment("lock", CACHE / "lock", ("pip",), sources=(), constrained=False)


def resolve() -> list[dict[str, Any]]:
    """Ask pip what it would install for the project with every extra."""
    report = CACHE / "lock.json"
    command = [str(RESOLVER.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--dry-run", "--ignore-installed", "--report", str(report), f"{ROOT}[all,java,dev,docs]"]
    if subprocess.run(command, check=False, env=clean_environ()).returncode:
        sys.exit("pip could not resolve all extras together; constraints.txt is unchanged.")
    installed: list[dict[str, Any]] = json.loads(report.read_text())["install"]
    return installed


def as_line(metadata: dict[str, str]) -> str:
    """Render one package as ``name==version`` with its normalised name and public version."""
    name = re.sub(r"[-_.]+", "-", metadata["name"]).lower()
    return f"{name}=={metadata['version'].partition('+')[0]}"


def main() -> None:
    """Resolve and write."""
    build(RESOLVER)
    lines = sorted(as_line(item["metadata"]) for item in resolve())
    kept = [line for line in lines if not line.startswith("hedgerow==")]
    CONSTRAINTS.write_text("\n".join(kept) + "\n")
    print(f"constraints.txt: {len(kept)} packages")


if __name__ == "__main__":
    main()
