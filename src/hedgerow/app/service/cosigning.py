"""Cosigning: heads carried between two workspaces as files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hedgerow.app.outputs import check_place, write_out
from hedgerow.app.service.base import Part
from hedgerow.app.tiles import TileFolder
from hedgerow.kernel.merkle import Checkpoint, VerifierKey, root_of, verify_consistency
from hedgerow.kernel.merkle.cosignature import CosignerKey, merge_lines
from hedgerow.kernel.merkle.tiles import TileProofs
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import Cosigned
from hedgerow.model.uses import Json
from hedgerow.spine.cosigning import IsBeginning

_MOST_NOTE_BYTES, _HASH_BYTES = 1 << 20, 32


class CosigningPart(Part):
    """Witness to others, and what others witness."""

    def cosign(
        self, path: Path, out: Path, *, key: str | None = None, force: bool = False
    ) -> dict[str, Json]:
        """Cosign the head of another log and write it with two more lines.

        Args:
            path: A checkpoint file, or the folder of an evidence bundle or of tiles.
            out: The file to write.
            key: Published key of the log, the first time.
            force: Replace the file.

        Returns:
            ``out``, ``origin``, ``size``, ``before`` (the size seen last, or none) and ``keys``.

        Raises:
            CallerError: ``cosignature.*``, ``out.*``, ``file.missing``, ``checkpoint.malformed``.
            Fault: ``cosignature.older`` or ``cosignature.forked``: nothing is written then.
        """
        self._require("journal.cosign")
        check_place(out)
        if out.exists() and not force:
            raise CallerError("out.exists", out=out)
        note, is_beginning = _read(path)
        with self.spine.store.write() as tx:
            signed, keys, seen = self.spine.cosigning.cosign(tx, self.actor, note, key, is_beginning)
        write_out(out, signed.encode(), force=force)
        head = signed.split("\n")
        return {"out": str(out), "origin": head[0], "size": int(head[1]),
                "before": seen.size if seen is not None else None,
                "keys": [each.to_text() for each in keys]}  # fmt: skip

    def add_cosignature(self, path: Path, keys: Sequence[str]) -> dict[str, Json]:
        """Keep a head of this journal that witnesses have cosigned.

        Args:
            path: The file that the witness wrote.
            keys: The witness's published keys, got by another way; at least one.

        Raises:
            CallerError: ``cosignature.none``, ``cosignature.key``, ``file.missing``.
            Fault: ``cosignature.bad``, ``journal.*``.
        """
        self._require("journal.cosign")
        named = [witness_key(key) for key in keys]
        note = _text(path)
        with self.spine.store.write() as tx:
            head = self.spine.cosigning.keep(tx, self.actor, note, named)
        return {"size": head.size, "witnesses": [key.name for key in named]}

    def journal_keys(self) -> dict[str, Json]:
        """Give the public keys that others need: those of this journal, and those it cosigns others with.

        Returns:
            ``key`` and ``fingerprint`` of the journal, ``second_key`` or none, and ``witness_keys``: empty
            until this workspace has cosigned a head.
        """
        self._require("journal.head")
        attestor = self.spine.attestor
        own = VerifierKey(attestor.origin, attestor.verifier)
        with self.spine.store.read() as reader:
            witness = self.spine.cosigning.keys(reader)
            second = self.spine.second_key.known(reader)
        return {
            "key": own.to_text(),
            "fingerprint": attestor.fingerprint,
            "second_key": second[1].to_text() if second is not None else None,
            "witness_keys": [each.to_text() for each in witness],
        }

    def add_second_key(self) -> dict[str, Json]:
        """Sign what leaves with ML-DSA-44 as well from now on; see ``SecondKey``.

        Raises:
            CallerError: ``key.exists``.
        """
        self._require("keys.change")
        with self.spine.store.write() as tx:
            entry, key = self.spine.second_key.add(tx, self.actor)
        return {"entry": entry, "algorithm": "ML-DSA-44", "key": key.to_text()}


def witness_key(text: str) -> CosignerKey:
    """Read the published key of a witness.

    Raises:
        CallerError: ``cosignature.key``.
    """
    try:
        return CosignerKey.from_text(text)
    except CallerError as error:
        raise CallerError("cosignature.key", reason=error.details["reason"]) from None


def cosigned_json(found: Sequence[tuple[Cosigned, int]], wanted: Sequence[str]) -> list[Json]:
    """Render cosignatures that were checked, after making sure that each wanted key made one.

    Raises:
        CallerError: ``cosignature.none``, ``cosignature.key``.
    """
    for text in wanted:
        key = witness_key(text)
        if not any(record.key == key.to_text() for record, _ in found):
            raise CallerError("cosignature.none", name=key.name)
    return [
        {"witness": record.witness, "size": record.size,
         "time": timestamp(datetime.fromtimestamp(time_s, UTC))}
        for record, time_s in found
    ]  # fmt: skip


def cosigned_notes(reader: Reader) -> dict[str, bytes]:
    """Give the cosigned heads as documents of an evidence bundle, all lines over one head in one."""
    notes: dict[str, str] = {}
    for record in reader.find(Cosigned):
        name = f"cosigned/{record.size}.note"
        notes[name] = merge_lines(notes[name], record.note) if name in notes else record.note
    return {name: note.encode() for name, note in notes.items()}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_NOTE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise CallerError("file.missing", path=path) from None


def _read(path: Path) -> tuple[str, IsBeginning | None]:
    """Read a checkpoint, and the way to look into the log where the folder has one."""
    if not path.is_dir():
        return _text(path), None
    note = _text(path / "checkpoint")
    return note, _in_bundle(path) if (path / "leaves.bin").is_file() else _in_tiles(path)


def _in_bundle(path: Path) -> IsBeginning:
    def is_beginning(size: int, root: bytes, head: Checkpoint) -> bool:
        try:
            leaves = (path / "leaves.bin").read_bytes()
        except OSError:
            raise CallerError("file.missing", path=path / "leaves.bin") from None
        hashes = [leaves[at : at + _HASH_BYTES] for at in range(0, len(leaves), _HASH_BYTES)]
        if len(leaves) != head.size * _HASH_BYTES or root_of(hashes) != head.root:
            raise Fault("journal.root-differs", size=head.size)
        return root_of(hashes[:size]) == root

    return is_beginning


def _in_tiles(path: Path) -> IsBeginning:
    def is_beginning(size: int, root: bytes, head: Checkpoint) -> bool:
        proofs = TileProofs(head.size, TileFolder(path).read)
        if proofs.root() != head.root:
            raise Fault("journal.root-differs", size=head.size)
        try:
            verify_consistency(size, head.size, root, head.root, proofs.consistency(size))
        except Fault:
            return False
        return True

    return is_beginning
