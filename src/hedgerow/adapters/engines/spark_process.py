"""A Spark of its own for one query: started, asked, ended, and what it kept on the disk taken away.

It runs in a process apart, so that no row outlives the query in a Java's memory, no setting of another
Spark in this process reaches it, and whatever it prints goes nowhere.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Answers: TypeAlias = "list[list[list[Any]]]"
"""The rows of each statement."""
MASTER, MEMORY = "HEDGEROW_SPARK_MASTER", "HEDGEROW_SPARK_MEMORY"
_LEAST_JAVA = 17
_WAIT_S = 30 * 60
_LOCK = "lock"
# What could load code, settings, or tell more than asked is not handed on.
_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "JAVA_HOME", "VIRTUAL_ENV")
_MASTERS = re.compile(r"local(\[(\*|[1-9][0-9]{0,3})\])?")
_SIZES = re.compile(r"[1-9][0-9]{0,5}[mg]")


class SparkProcess:
    """Starts a Spark for each call.

    Args:
        scratch: The folder that a call's private folder is made in.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def check(self) -> None:
        """Refuse where it cannot start.

        Raises:
            Fault: ``extra.missing`` without pyspark, ``engine.no-java`` without a Java from version 17 on.
            CallerError: ``engine.spark-setting`` for a variable that is no such setting.
        """
        _settings()
        if importlib.util.find_spec("pyspark") is None:
            raise Fault("extra.missing", what="Spark", extra="spark")
        version = _java_version()
        if version is None or version < _LEAST_JAVA:
            raise Fault("engine.no-java", least=_LEAST_JAVA)

    def answers(
        self, table: pa.Table, statements: Sequence[str], tables: Mapping[str, str] | None = None
    ) -> Answers:
        """Run statements over a table.

        Args:
            table: The rows; the statements call them ``rows``.
            statements: What to run, in order.
            tables: Further tables by name, each computed once of a statement and kept in memory meanwhile.

        Returns:
            The rows of each.

        Raises:
            Fault: ``engine.failed`` with the kind of failure; ``engine.no-java``, ``extra.missing``.

        Guarantee: when this ends, well or not, the process and its Java are gone and so is what they kept on
            the disk. They end as well where this process is killed, and the next call clears up. What Spark
            spills meanwhile is encrypted under a key that only its memory holds.
        """
        self.check()
        with self._private() as folder:
            told = _asked(
                folder,
                table,
                {"settings": _settings(), "tables": dict(tables or {}), "statements": list(statements)},
            )
        if "answers" not in told:
            raise Fault("engine.failed", reason=str(told.get("failed", "Spark ended early")))
        answers: Answers = told["answers"]
        return answers

    @contextmanager
    def _private(self) -> Iterator[Path]:
        """Make a folder that is nobody else's, and take it away; those of calls that were cut off too."""
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        folder = Path(tempfile.mkdtemp(prefix="spark-", dir=self._scratch))
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
            with suppress(OSError):
                self._scratch.rmdir()

    def _sweep(self) -> None:
        for folder in self._scratch.glob("spark-*"):
            with suppress(OSError):
                handle = os.open(folder / _LOCK, os.O_RDWR)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(handle)


def _settings() -> dict[str, str]:
    """Read what the environment may choose.

    Raises:
        CallerError: ``engine.spark-setting``.
    """
    chosen = {MASTER: os.environ.get(MASTER, "local[*]"), MEMORY: os.environ.get(MEMORY, "2g")}
    for name, form in ((MASTER, _MASTERS), (MEMORY, _SIZES)):
        if not form.fullmatch(chosen[name]):
            raise CallerError("engine.spark-setting", name=name)
    return {"spark.master": chosen[MASTER], "spark.driver.memory": chosen[MEMORY]}


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def _java_version() -> int | None:
    found = _java()
    if found is None:
        return None
    try:
        told = subprocess.run(  # noqa: S603 - the Java of this machine, asked for its version
            [found, "-version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=_environment(None),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    named = re.search(r'version "(?:1\.)?(\d+)', told.stderr)
    return int(named[1]) if named else None


def _environment(folder: Path | None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if folder is None:
        return kept
    places = {
        name: str(folder)
        for name in ("HOME", "TMPDIR", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "SPARK_PID_DIR", "SPARK_LOG_DIR")
    }
    path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path if each)
    return (
        kept | places | {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    )


def _asked(folder: Path, table: pa.Table, job: Mapping[str, object]) -> dict[str, Any]:
    """Start the process, hand it the job and the rows, and read what it says at its end."""
    command = [sys.executable, "-P", "-m", "hedgerow.adapters.engines.spark_worker", str(os.getpid())]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )
    try:
        feeding = Thread(target=_fed, args=(process.stdin, table, json.dumps(job).encode()), daemon=True)
        feeding.start()
        told = _ended(process)
        feeding.join()
        return told
    finally:
        # Java is in the same group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _fed(sink: Any, table: pa.Table, job: bytes) -> None:  # noqa: ANN401 - a pipe
    with suppress(OSError, pa.ArrowException), sink:
        sink.write(len(job).to_bytes(8, "big") + job)
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table, max_chunksize=1 << 16)


def _ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    told: list[bytes] = []
    reading = Thread(
        target=lambda: told.append(process.stdout.read() if process.stdout else b""), daemon=True
    )
    reading.start()
    reading.join(_WAIT_S)
    try:
        found = json.loads(told[0]) if told else {"failed": "it took too long"}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
