"""A shelf in memory with the contract of the directory."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hedgerow.adapters.files.names import checked, new_name
from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hedgerow.model.engine import ContentWriter, ReadableFile


class MemoryShelf:
    """Files as bytes in a dictionary; for tests and for tables that never touch a disk."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._writers = 0

    def create(self, write: ContentWriter) -> str:
        """Store a new file.

        Args:
            write: Writes the whole content into the stream it is given.

        Returns:
            The random name.
        """
        sink = io.BytesIO()
        write(sink)
        name = new_name()
        self._files[name] = sink.getvalue()
        return name

    def open(self, name: str) -> ReadableFile:
        """Open a file for random reading.

        Args:
            name: A name that ``create`` gave.

        Returns:
            A ``pyarrow`` native file.

        Raises:
            Fault: ``integrity.bucket-missing`` or ``shelf.name``.
        """
        import pyarrow as pa

        content = self._files.get(checked(name))
        if content is None:
            raise Fault("integrity.bucket-missing")
        return pa.BufferReader(content)

    def delete(self, name: str) -> None:
        """Remove a file; a file already gone is no error."""
        self._files.pop(checked(name), None)

    def names(self) -> frozenset[str]:
        """List every complete file."""
        return frozenset(self._files)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold off sweeping while files are written that nothing names yet."""
        self._writers += 1
        try:
            yield
        finally:
            self._writers -= 1

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Tell whether nobody is writing."""
        yield self._writers == 0

    def sweep(self) -> int:
        """Remove what interrupted writes left: here never anything."""
        return 0
