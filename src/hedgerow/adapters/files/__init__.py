"""Shelves of bucket files: a directory, or memory with the same contract."""

from __future__ import annotations

from hedgerow.adapters.files.directory import DirectoryShelf
from hedgerow.adapters.files.memory import MemoryShelf

__all__ = ["DirectoryShelf", "MemoryShelf"]
