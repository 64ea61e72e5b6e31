"""Escrow: the master keys sealed for an officer, and the way back when the key file is lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from hedgerow.adapters.keys import durable
from hedgerow.adapters.keys import file as key_file
from hedgerow.adapters.keys.keyfile import FILE_LIMIT_BYTES
from hedgerow.app.backup.folder import BoundedSink
from hedgerow.app.clock import SystemClock
from hedgerow.app.keyplaces import KEYS, movable
from hedgerow.app.outputs import check_out, writing_out
from hedgerow.app.places import Where, find
from hedgerow.app.service.base import Part
from hedgerow.app.wiring import journal_under
from hedgerow.kernel.hybrid import Opener, Recipient, open_stream, probe, seal_stream
from hedgerow.model.errors import CallerError, HedgerowError
from hedgerow.model.uses import Json
from hedgerow.spine.escrows import DESTROY, destroyed_since
from hedgerow.spine.keyring import in_force

LABEL = "escrow"


class Escrowing(Part):
    """The master keys leave, sealed, and are remembered as having left."""

    def plan_escrow(self, recipients: Sequence[object]) -> dict[str, Json]:
        """Show whose keys would leave, and for whom; nothing is done.

        Args:
            recipients: Who shall be able to bring them back.

        Returns:
            ``epochs`` whose keys are held, and ``recipients`` by fingerprint.

        Raises:
            CallerError: ``keys.escrow-token``, ``keys.escrow-recipient`` or ``keys.escrow-nobody``.
            Fault: ``crypto.no-post-quantum``.
        """
        self._require("keys.change")
        probe()
        backend = movable(self.spine.backend)
        backend.check_exportable()
        known = _hybrid(recipients)
        held = [state.id for state in backend.epochs() if state.destroyed is None]
        return {"epochs": cast("Json", held), "recipients": [each.fingerprint for each in known]}

    def escrow(self, recipients: Sequence[object], out: Path, *, force: bool) -> dict[str, Json]:
        """Seal the master keys that are held for some recipients.

        It is in the journal before the file is there: no escrow is forgotten, though one that could not be
        written may be remembered.

        Args:
            recipients: Who shall be able to bring them back.
            out: Where the escrow is written.
            force: Whether what stands there is replaced.

        Returns:
            As ``plan_escrow``, with ``out`` and ``entry``.

        Raises:
            CallerError: As ``plan_escrow``, and what ``check_out`` raises.
            Fault: ``keys.file-changed``.
        """
        plan = self.plan_escrow(recipients)
        check_out(out, force=force)
        exported = movable(self.spine.backend).check_exportable().export()
        held = _held_in(exported)
        named = cast("list[str]", plan["recipients"])
        with self.spine.store.write() as tx:
            entry = self._note(tx, "keys.escrow", {"epochs": cast("Json", held), "for": cast("Json", named)})
        with writing_out(out, force=force) as sink:
            seal_stream(io.BytesIO(exported), sink, _hybrid(recipients), label=LABEL)
        return {**plan, "epochs": cast("Json", held), "out": str(out), "entry": entry}

    def note_restored(self) -> int:
        """Say in the journal that the keys came back from an escrow.

        Raises:
            Refused: By policy.
        """
        self._require("keys.change")
        held = [state.id for state in self.spine.backend.epochs() if state.destroyed is None]
        with self.spine.store.write() as tx:
            return self._note(tx, "keys.escrow-restore", {"epochs": cast("Json", held)})


def restore_keys(where: Where, escrow: Path, opener: Opener, passphrase: Callable[[], str | None]) -> Path:
    """Make the key file of a workspace anew from an escrow; keys that were destroyed since do not come back.

    Args:
        where: The workspace, whose key file is gone.
        escrow: The escrow.
        opener: The identity of one of its recipients.
        passphrase: Gives what seals the new key file, or none.

    Returns:
        The key file.

    Raises:
        CallerError: ``keys.escrow-unneeded``, ``keys.escrow-other``, ``sealed.*``; nothing is written.
        Fault: ``sealed.*``, ``keys.file-corrupt`` or ``keys.file-unwritten``; as ``Journal.proven`` where the
            journal, which tells what was destroyed, is not the signed one.
    """
    probe()
    found = find(where)
    try:
        path = found.directory / KEYS
        if path.exists():
            raise CallerError("keys.escrow-unneeded", path=path)
        # Whoever knows the recipient can seal anything for him; a key file is no longer than this.
        exported = BoundedSink(FILE_LIMIT_BYTES)
        try:
            with escrow.open("rb") as source:
                open_stream(source, cast("BinaryIO", exported), opener, label=LABEL)
        except OSError:
            raise CallerError("file.missing", path=escrow) from None
        except ValueError:
            raise CallerError("keys.escrow-other") from None
        secret = passphrase()
        with found.store.read() as reader:
            rests_on, destroyed = in_force(reader), destroyed_since(reader)
            key_file.restore(path, exported.content(), rests_on, destroyed, secret)
            try:
                # Only now is there a key to tell whether these are the entries that were signed.
                journal_under(reader, key_file.open_(path, secret), SystemClock()).proven(reader, 0, DESTROY)
            except HedgerowError:
                durable.remove_file(path)
                raise
    finally:
        found.store.close()
    return path


def _hybrid(recipients: Sequence[object]) -> list[Recipient]:
    known = [each for each in recipients if isinstance(each, Recipient)]
    if len(known) < len(recipients):
        raise CallerError("keys.escrow-recipient")
    if not known:
        raise CallerError("keys.escrow-nobody")
    return known


def _held_in(exported: bytes) -> list[str]:
    return [epoch["id"] for epoch in json.loads(exported)["body"]["epochs"] if "key" in epoch]
