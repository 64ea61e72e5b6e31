"""Reading a head that was kept outside, for whoever restores: without an open workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.adapters.witness import FileSink
from hedgerow.model.errors import CallerError
from hedgerow.spine.outside import OutsideHead, open_outside

if TYPE_CHECKING:
    from pathlib import Path

    from hedgerow.spine.attest import Attestor


def read_outside(path: Path, attestor: Attestor) -> OutsideHead:
    """Read a head that was kept outside of a workspace.

    Args:
        path: The file; a link in its place is not followed.
        attestor: Holds the key of the workspace's journal.

    Returns:
        The head, both its signatures checked against that key.

    Raises:
        CallerError: ``file.missing``; ``witness.malformed`` when it is no head, or another journal's.
        Fault: ``journal.bad-signature``; ``sink.unreachable`` when it cannot be read.
    """
    stored = FileSink(str(path)).read()
    if stored is None:
        raise CallerError("file.missing", path=path)
    return open_outside(stored, attestor.origin, attestor.verifier)
