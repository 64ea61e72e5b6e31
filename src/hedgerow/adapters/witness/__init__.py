"""Places that hold the head of the journal outside the workspace."""

from __future__ import annotations

from hedgerow.adapters.witness.file import FileSink

__all__ = ["FileSink"]
