"""Open one regular file safely and tell what kind of table it is."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from hedgerow.adapters.readers.source import NOT_UTF8
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hedgerow.adapters.readers.source import BrokenRow

HEAD_BYTES = 65_536
STRAY_CONTROLS = 8
BLOCK_BYTES = 16 * 1024 * 1024
_MAGIC = (
    (b"PK\x03\x04", " (a ZIP archive, as spreadsheets are)"),
    (b"\x1f\x8b", " (compressed with gzip)"),
    (b"%PDF", " (a PDF)"),
    (b"SQLite format 3", " (a SQLite database)"),
    (b"\x89PNG", " (an image)"),
    (b"\xff\xd8\xff", " (an image)"),
)
_UTF16 = ((b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE"))


@dataclass(slots=True)
class OpenFile:
    """An open regular file with its size and change stamp.

    Args:
        path: As the caller wrote it, for messages.
        handle: Binary handle at the start of the file.
        size: Bytes when it was opened.
        stamp: Size and modification time when it was opened.
        digest: SHA-256 over all bytes streamed so far.
    """

    path: Path
    handle: IO[bytes]
    size: int
    stamp: tuple[int, int]
    digest: hashlib._Hash

    def blocks(self, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Stream the file once from its start, hashing it on the way."""
        self.handle.seek(0)
        while block := self.handle.read(block_bytes):
            self.digest.update(block)
            yield block

    def hash_all(self) -> None:
        """Hash the whole file without keeping it."""
        for _ in self.blocks():
            pass

    def slice_at(self, start: int, end: int) -> bytes:
        """Read the bytes of one record again."""
        return os.pread(self.handle.fileno(), end - start, start)

    def finished(self) -> str:
        """Return the hash, after making sure that nobody wrote to the file meanwhile.

        Raises:
            CallerError: ``files.changed``.
        """
        if _stamp(os.fstat(self.handle.fileno())) != self.stamp:
            raise CallerError("files.changed", path=self.path)
        return self.digest.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """Open a regular file, following symbolic links, never blocking on a pipe.

    Args:
        path: The file; its name is taken literally, wildcards included.

    Yields:
        The open file.

    Raises:
        CallerError: ``files.missing``, ``files.directory``, ``files.unreadable``,
            ``files.not-regular`` or ``files.empty``.
    """
    descriptor = _descriptor(path)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        code = "files.directory" if stat.S_ISDIR(facts.st_mode) else "files.not-regular"
        raise CallerError(code, path=path)
    with os.fdopen(descriptor, "rb") as handle:
        if facts.st_size == 0:
            raise CallerError("files.empty", path=path)
        yield OpenFile(path, handle, facts.st_size, _stamp(facts), hashlib.sha256())


def _descriptor(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise CallerError("files.missing", path=path) from None
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else "system error"
        raise CallerError("files.unreadable", path=path, cause=cause.lower()) from None
    except ValueError:
        raise CallerError("files.missing", path="with a NUL byte in its name") from None


def _stamp(facts: os.stat_result) -> tuple[int, int]:
    return (facts.st_size, facts.st_mtime_ns)


def table_format(file: OpenFile) -> str:
    """Tell the format by content, then by suffix.

    Args:
        file: An open file.

    Returns:
        ``"parquet"``, ``"jsonl"`` or ``"csv"``.

    Raises:
        CallerError: ``files.binary``, ``files.not-utf8`` or ``files.not-a-table``.
    """
    head = os.pread(file.handle.fileno(), HEAD_BYTES, 0)
    if head.startswith(b"PAR1"):
        return "parquet"
    _refuse_binary(file.path, head)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise CallerError("files.not-a-table", path=file.path, why="it holds only white space")
    if text.startswith(b"{") or file.path.suffix.lower() in {".jsonl", ".ndjson"}:
        return "jsonl"
    if text.startswith(b"["):
        raise CallerError(
            "files.not-a-table", path=file.path, why="it is a JSON array, not one object per line"
        )
    if text.startswith(b"<"):
        raise CallerError("files.not-a-table", path=file.path, why="it is markup (HTML or XML)")
    return "csv"


def other_encoding(path: Path) -> CallerError:
    """Say that a file is text in an encoding nobody can tell, most often that of older spreadsheets."""
    return CallerError("files.not-utf8", path=path, encoding="another encoding", source="WINDOWS-1252")


def refuse_other_encoding(path: Path, good: int, broken: Sequence[BrokenRow], fit: float) -> None:
    """Stop where a file would be a table, were its text in UTF-8.

    Args:
        path: The file, for the message.
        good: How many of its rows can be read.
        broken: The others.
        fit: The share of rows that make a table, from 0 to 1.

    Raises:
        CallerError: ``files.not-utf8``.
    """
    unread = sum(row.reason == NOT_UTF8 for row in broken)
    if unread and good + unread >= fit * (good + len(broken)):
        raise other_encoding(path)


def _refuse_binary(path: Path, head: bytes) -> None:
    for magic, name in _UTF16:
        if head.startswith(magic):
            raise CallerError("files.not-utf8", path=path, encoding=name, source=name)
    for magic, hint in _MAGIC:
        if head.startswith(magic):
            raise CallerError("files.binary", path=path, hint=hint)
    first_line = head.split(b"\n", 1)[0]
    control = sum(head.count(bytes([code])) for code in range(32) if code not in {9, 10, 12, 13})
    if b"\0" in first_line or control > max(STRAY_CONTROLS, len(head) // 100):
        raise CallerError("files.binary", path=path, hint="")
    try:
        first_line[: HEAD_BYTES - 4].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise other_encoding(path) from None
