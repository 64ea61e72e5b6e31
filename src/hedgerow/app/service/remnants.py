"""What interrupted work leaves behind, and how much room the next work needs."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hedgerow.model.ports import Reader
from hedgerow.model.records import Bucket, Certificate, QuarantineBatch
from hedgerow.model.words import many
from hedgerow.spine.epochs import FINAL, LOGICAL
from hedgerow.spine.quarantine import last_day

# Prefix of every file the program makes outside the workspace.
OWN_PREFIX = "hedgerow-"
_ASIDE = re.compile(r"\.(keys|token)\.json\.[0-9a-f]{16}")
# A use or a collection under way has files that no manifest names; none lasts as long.
_LASTS_S = 3600
_LARGE_LOG_BYTES = 256 * 1024 * 1024
_LEAST_FREE_BYTES = 256 * 1024 * 1024
_LATE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Erasures that are not final: how many, and for how many days the oldest has waited."""

    count: int
    days: int

    @property
    def is_late(self) -> bool:
        """Whether the oldest has waited longer than a month, as long as the law gives."""
        return self.days > _LATE.days


def not_final(reader: Reader, now: datetime) -> Waiting:
    """Count the erasures whose keys may still be in a copy."""
    bodies = [(c.kind, json.loads(c.body)["body"], c.time) for c in reader.find(Certificate)]
    final = {body["erasure"] for kind, body, _ in bodies if kind == FINAL}
    open_ = [time for kind, body, time in bodies if kind == LOGICAL and body["certificate"] not in final]
    return Waiting(len(open_), (now - datetime.fromisoformat(min(open_))).days if open_ else 0)


def named(reader: Reader) -> frozenset[str]:
    """List the table files that count."""
    return frozenset(str(name) for name in reader.values(Bucket, "file"))


def overdue(reader: Reader, now: datetime) -> int:
    """Count the batches in quarantine that should be gone."""
    return sum(last_day(batch) < now.date().isoformat() for batch in reader.find(QuarantineBatch))


def files(
    directory: Path, tables: Path, counting: frozenset[str], database: str
) -> Iterator[tuple[str, str]]:
    """Find files that were left: what is told of each kind, and what to do.

    Args:
        directory: The workspace.
        tables: Its table files.
        counting: Names of those that a manifest has.
        database: Name of the database file.
    """
    before = time.time() - _LASTS_S
    stray = [
        path for path in tables.iterdir()
        if path.name not in counting and not path.name.startswith(".") and path.stat().st_mtime < before
    ]  # fmt: skip
    if stray:
        told = many(len(stray), "table file that nothing names is", "table files that nothing names are")
        yield f"{told} left", "close other programs that use this workspace and run hedgerow doctor again"
    aside = [path.name for path in directory.iterdir() if _ASIDE.fullmatch(path.name)]
    if aside:
        told = f"a key file that was being written is left: {aside[0]}"
        yield told, "hedgerow keys rotate --yes writes it anew and wipes what is left"
    log = directory / f"{database}-wal"
    if log.exists() and log.stat().st_size > _LARGE_LOG_BYTES:
        yield "the write-ahead log is large", "close other programs that use this workspace"
    own = [path for path in Path(tempfile.gettempdir()).glob(OWN_PREFIX + "*") if _is_old(path, before)]
    if own:
        yield f"temporary files are left in {own[0].parent}", f"remove {own[0].parent}/{OWN_PREFIX}*"


def _is_old(path: Path, before: float) -> bool:
    try:
        return path.is_file() and path.stat().st_mtime < before
    except OSError:
        return False


def room(directory: Path) -> tuple[int, int]:
    """Tell how many bytes are free, and how many the next rewrite may take for a while.

    An erasure writes table files anew beside the old ones; a change of the key epoch writes every row
    that holds a key.
    """
    sizes = [path.stat().st_size for path in directory.rglob("*") if path.is_file()]
    need = max(_LEAST_FREE_BYTES, sum(sorted(sizes)[-2:]) * 2)
    return shutil.disk_usage(directory).free, need
