"""The process that runs Spark for one query: rows in by a pipe, whole numbers out, nothing else.

Standard input holds eight bytes with the length of the job, the job as JSON, and the rows as an Arrow stream.
Standard output gets one JSON object: ``answers``, or ``failed`` with the name of the kind of error. What
Spark and its Java print goes nowhere, for it could quote values.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from threading import Thread
from typing import Any, BinaryIO

import pyarrow as pa

SETTINGS = {
    "spark.app.name": "hedgerow",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
    "spark.log.level": "OFF",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # In local mode Spark draws the secret itself, and it never leaves its memory.
    "spark.authenticate": "true",
    "spark.io.encryption.enabled": "true",
    "spark.io.encryption.keySizeBits": "256",
    # Below the private folder that this process is started in.
    "spark.local.dir": "local",
    "spark.sql.warehouse.dir": "warehouse",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}
JAVA = "spark.driver.extraJavaOptions"
JAVA_OPTIONS = (
    "-Djava.io.tmpdir=. -Dderby.system.home=. -XX:-UsePerfData -XX:+DisableAttachMechanism"
    " -XX:-HeapDumpOnOutOfMemoryError -XX:ErrorFile=/dev/null"
)
# Few rows are counted before Java's better compiler has paid for itself: it takes half of all the time then.
_QUICK, _MANY_ROWS = " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC", 1_000_000
_LENGTH = 8
_LOOK_S = 0.5


def main() -> None:
    """Run one job, for the process whose number is the one argument, and as long as that is there."""
    Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    told = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    try:
        answer: dict[str, Any] = {"answers": _answers(sys.stdin.buffer)}
    except Exception as error:  # noqa: BLE001 - its text could quote values; its kind is told
        answer = {"failed": type(error).__name__}
    with told:
        told.write(json.dumps(answer).encode())
    # Nothing of Spark's own way to end may hold this up; Java ends with the pipe to it.
    os._exit(0)


def _end_with(caller: int) -> None:
    """End this process and its Java once nobody is there any more to do it: both hold rows."""
    while os.getppid() == caller:
        time.sleep(_LOOK_S)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _answers(source: BinaryIO) -> list[list[list[int | None]]]:
    job = json.loads(source.read(int.from_bytes(source.read(_LENGTH), "big")))
    with pa.ipc.open_stream(source) as stream:
        table = stream.read_all()
    quick = _QUICK if table.num_rows < _MANY_ROWS else ""
    session = started(job["settings"] | {JAVA: JAVA_OPTIONS + quick})
    frame = session.createDataFrame(table)
    frame.createOrReplaceTempView("rows")
    for name, sql in job["tables"].items():
        # Computed now and never again: its rows were picked at random.
        session.sql(sql).localCheckpoint(eager=True).createOrReplaceTempView(name)
    return [[list(row) for row in session.sql(sql).collect()] for sql in job["statements"]]


def started(chosen: dict[str, str]) -> Any:  # noqa: ANN401 - pyspark ships no types that would help
    """Start Spark with the settings above.

    Args:
        chosen: Further settings.

    Returns:
        The session.
    """
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for name, value in (SETTINGS | chosen).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


if __name__ == "__main__":
    main()
