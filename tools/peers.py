"""Run the benches against peers whose packages clash, each in an environment of its own.

A peer is a requirement list ``bench/peers/NAME.txt`` with a bench script ``bench/peers/NAME.py``
beside it. ``python tools/peers.py`` runs every peer that has a script; with names, it builds
those environments too where there is no script yet.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from environment import CACHE, ROOT, Environment, build, clean_environ

FOLDER = ROOT / "bench" / "peers"


def requirements() -> dict[str, Path]:
    """List the requirement lists by peer."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.txt"))}


def run(name: str, listed: Path) -> int:
    """Build one peer's environment and run its script.

    Args:
        name: The peer.
        listed: Its requirement list.

    Returns:
        The script's exit status; 0 where there is none.
    """
    packages = ("--requirement", str(listed))
    environment = Environment(name, CACHE / f"peer-{name}", packages, sources=(listed,), constrained=False)
    build(environment)
    script = listed.with_suffix(".py")
    if not script.exists():
        print(f"{name}: environment built, no bench script yet")
        return 0
    print(f"== {name}", flush=True)
    return subprocess.run([str(environment.python), str(script)], check=False, env=clean_environ()).returncode


def main() -> None:
    """Run the peers named, or all that have a script."""
    known = requirements()
    wanted = sys.argv[1:] or [name for name, path in known.items() if path.with_suffix(".py").exists()]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"No peer is called {', '.join(unknown)}; there are {', '.join(known)}.")
    if not wanted:
        print(f"No peer has a bench script; PEERS=name builds one of {', '.join(known)}.")
    failed = [name for name in wanted if run(name, known[name])]
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
