"""Evidence: the journal's head, its verification, and bundles anyone can check offline."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from hedgerow.app.outputs import beside, check_place
from hedgerow.app.service.base import Part
from hedgerow.app.service.cosigning import cosigned_json, cosigned_notes
from hedgerow.app.service.witnessing import seen_json
from hedgerow.kernel.merkle import build_bundle, compare_head, head_from_json, head_to_json, leaf_hashes
from hedgerow.kernel.merkle.head import HEAD_FORMAT
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Reader
from hedgerow.model.records import Certificate
from hedgerow.model.uses import Json
from hedgerow.spine.audit import check_records
from hedgerow.spine.certified import certificate_row, final_of


class Evidence(Part):
    """What an auditor takes away."""

    def head(self) -> dict[str, Json]:
        """Give the signed head of the journal, as a head file holds it."""
        self._require("journal.head")
        with self.spine.store.read() as reader:
            note = self.spine.second_key.exported(reader, self.spine.journal.head(reader).checkpoint)
        text = head_to_json(note, self.spine.attestor.verifier, timestamp(self.spine.clock.now()))
        return cast("dict[str, Json]", json.loads(text))

    def verify(self, against: Path | None = None, witnesses: Sequence[str] = ()) -> dict[str, Json]:
        """Check the whole journal, the ledger's totals, and with a saved head its history.

        Args:
            against: A head file or receipt saved earlier.
            witnesses: Published keys of witnesses that must have cosigned the journal.

        Raises:
            Fault: ``journal.*`` with the first bad index, or ``ledger.differs``.
        """
        self._require("journal.verify")
        journal = self.spine.journal
        with self.spine.store.read() as reader:
            head = journal.head(reader)
            verdict = None
            if against is not None:
                # First: a forked log is also consistent with itself.
                verdict = self._compared(reader, against, leaf_hashes(journal.bodies(reader)))
            journal.verify(reader)
            check_records(reader, self.spine.ledger, self.spine.attestor)
            outside = self.spine.witnesses.require_sound(reader)
            cosigned = cosigned_json(self.spine.cosigning.verify(reader), witnesses)
        return {
            "verified": True,
            "size": head.size,
            "root": head.root_text,
            "fingerprint": self.spine.attestor.fingerprint,
            "against": verdict,
            "witnesses": [seen_json(seen) for seen in outside],
            "cosigned": cosigned,
        }

    def _compared(self, reader: Reader, against: Path, hashes: list[bytes]) -> str:
        try:
            stored = _receipt_within(against.read_bytes())
            saved = head_from_json(stored)
        except OSError:
            raise CallerError("file.missing", path=against) from None
        attestor = self.spine.attestor
        compared = compare_head(saved, attestor.origin, hashes, attestor.verifier)
        compared.require_sound()
        # Receipts and what witnesses hold are made too often for the slow signature.
        if json.loads(stored).get("format") == HEAD_FORMAT:
            self.spine.second_key.require(reader, saved.checkpoint.note)
        return compared.verdict.value

    def certificates(self) -> list[dict[str, Json]]:
        """List the certificates of erasures, oldest first; see ``certificate_row``."""
        self._require("evidence.export")
        with self.spine.store.read() as reader:
            found = [certificate_row(each) for each in reader.find(Certificate)]
        return sorted(found, key=lambda each: (str(each["made"]), str(each["certificate"])))

    def certificate(self, name: str) -> dict[str, Json]:
        """Give one certificate as it was signed; ``final`` beside it names the one that it is final.

        Raises:
            CallerError: ``certificate.unknown``.
        """
        self._require("evidence.export")
        with self.spine.store.read() as reader:
            found = reader.get(Certificate, name)
            if found is None:
                raise CallerError("certificate.unknown")
            signed = self.spine.attestor.open_certificate(found.body.encode())
            return {
                **cast("dict[str, Json]", json.loads(found.body)),
                **signed,
                "final": final_of(reader, name),
            }

    def export(self, out: Path, *, force: bool = False) -> dict[str, Json]:
        """Write an evidence bundle into a new directory.

        Args:
            out: The directory; must not exist, or be replaced with ``force``.
            force: Replace it.

        Returns:
            The path, the number of files, and how to check it.

        Raises:
            CallerError: ``out.*``; nothing is journaled or written then.
        """
        self._require("evidence.export")
        check_place(out)
        if out.exists() and not (force and _is_bundle(out)):
            raise CallerError("out.exists" if not force else "out.no-bundle", out=out)
        with self.spine.store.write() as tx:
            self._note(tx, "evidence.export", {})
            entries = self.spine.journal.bodies(tx)
            certificates = {c.id: c.body.encode() for c in tx.find(Certificate)}
            cosigned = cosigned_notes(tx)
        attestor = self.spine.attestor
        documents = {f"certificates/{name}.json": body for name, body in certificates.items()} | cosigned
        created = timestamp(self.spine.clock.now())
        with self.spine.store.read() as reader:
            files = build_bundle(
                entries, attestor.signer, attestor.origin, documents, created=created,
                cosign=lambda note: self.spine.second_key.exported(reader, note),
            )  # fmt: skip
        _write_tree(out, files)
        check = shlex.join(["python", str(out / "verify.py"), str(out), "--trust", attestor.fingerprint])
        return {"out": str(out), "files": len(files), "entries": len(entries),
                "fingerprint": attestor.fingerprint, "check": check}  # fmt: skip


def _receipt_within(stored: bytes) -> bytes:
    """Take the receipt out of a whole answer that was saved as JSON; anything else stays as it is."""
    try:
        receipt = json.loads(stored)["receipt"]
    except (ValueError, KeyError, TypeError):
        return stored
    return json.dumps(receipt).encode()


def _told(entry: Mapping[str, Json]) -> tuple[int, str, str, str]:
    """What the journal tells of a charge: its entry, data set, purpose and event as the ledger writes it."""
    facts = cast("Mapping[str, Json]", entry["facts"])
    ((kind, value),) = cast("Mapping[str, str]", facts["cost"]).items()
    return cast("int", entry["index"]), str(facts["dataset"]), str(facts["purpose"]), f"{kind} {value}"


def _is_bundle(out: Path) -> bool:
    """Tell whether a directory is an evidence bundle; nothing else is ever replaced."""
    try:
        manifest = json.loads((out / "manifest.json").read_bytes())
        return not out.is_symlink() and str(manifest["format"]).startswith("hedgerow/evidence")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write_tree(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a directory whole under another name, then give it its name."""
    part = beside(out)
    try:
        for name, content in files.items():
            path = part / name
            _private_folders(part, path.parent)
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(content)
        if out.exists():
            shutil.rmtree(out)
        part.rename(out)
    except OSError:
        raise CallerError("out.unwritable", out=out) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _private_folders(top: Path, folder: Path) -> None:
    """Make the folders from the top down to one, for the owner alone."""
    for each in (*reversed(folder.relative_to(top).parents), folder.relative_to(top)):
        (top / each).mkdir(mode=0o700, exist_ok=True)
