"""Cosigning: a workspace that vouches for the heads of other logs, and keeps what others vouch of its own."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import cast

from hedgerow.kernel.envelope import new_key
from hedgerow.kernel.merkle import Checkpoint, VerifierKey, open_checkpoint, parse_checkpoint
from hedgerow.kernel.merkle.cosignature import ED25519, ML_DSA_44, Cosigner, CosignerKey, cosigned_at
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Cosigned, SeenLog, WrappedSecret
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import Keyring, secret_key

_SECRETS = (("witness-ed25519", ED25519), ("witness-ml-dsa-44", ML_DSA_44))

COSIGN = "journal.cosign"
IsBeginning = Callable[[int, bytes, Checkpoint], bool]
"""Tells whether a log of the given checkpoint begins with a log of that size and root."""


class Cosigning:
    """Cosigns heads of other logs, each only when it grew from the newest seen before.

    Args:
        keyring: Wraps the keys to cosign with; they sign nothing else.
        journal: Keeps what was cosigned.
        attestor: The own journal's key, which cosigned heads of the own journal must carry.
        clock: The time.

    Guarantee: of one log no two heads are ever cosigned by one key of which one does not begin with the
    other; a restored workspace, which may have forgotten some, cosigns with new keys.
    Source: C2SP tlog-cosignature; C2SP tlog-witness.
    """

    def __init__(self, keyring: Keyring, journal: Journal, attestor: Attestor, clock: Clock) -> None:
        self._keyring = keyring
        self._journal = journal
        self._attestor = attestor
        self._clock = clock

    def cosign(
        self, tx: Transaction, actor: Actor, note: str, key: str | None, is_beginning: IsBeginning | None
    ) -> tuple[str, list[CosignerKey], SeenLog | None]:
        """Cosign a head of another log and remember it.

        Args:
            tx: The transaction in which it is remembered.
            actor: Who acts.
            note: The signed checkpoint.
            key: Published key of the log; needed the first time, and never another one later.
            is_beginning: Looks into the log; none when there is a bare checkpoint only.

        Returns:
            The checkpoint with two more lines, the keys that made them, and what was seen before.

        Raises:
            CallerError: ``cosignature.no-key``, ``cosignature.no-proof``, ``key.malformed``,
                ``checkpoint.malformed``.
            Fault: ``cosignature.older``, ``cosignature.forked``, ``journal.bad-signature``,
                ``records.differ``. Nothing is cosigned or remembered then.
        """
        origin = parse_checkpoint(note).origin
        seen = tx.get(SeenLog, origin)
        self._check_seen(tx, origin, seen)
        known = seen.key if seen is not None else key
        if known is None:
            raise CallerError("cosignature.no-key", origin=origin)
        signer = VerifierKey.from_text(known)
        if key is not None and key.strip() != known.strip():
            raise CallerError("key.malformed", reason="it is not the one this log was first seen with")
        if signer.name != origin:
            raise CallerError("key.malformed", reason=f"it belongs to {signer.name}, not to {origin}")
        head = open_checkpoint(note, signer.public_key)
        _require_growth(head, seen, is_beginning)
        now = self._clock.now()
        tx.put(SeenLog(origin, known.strip(), head.size, head.root, timestamp(now)))
        cosigners = self._cosigners(tx)
        facts: dict[str, Json] = {
            "log": brief(origin),
            "size": head.size,
            "root": base64.b64encode(head.root).decode(),
        }
        self._journal.append(tx, COSIGN, actor, facts)
        for cosigner in cosigners:
            note = cosigner.sign(note, int(now.timestamp()))
        return note, [cosigner.key for cosigner in cosigners], seen

    def _check_seen(self, tx: Transaction, origin: str, seen: SeenLog | None) -> None:
        """Refuse a record of what was seen that the journal does not tell: it would vouch for a fork.

        Raises:
            Fault: ``records.differ``, or as ``Journal.proven``.
        """
        told = [
            (facts["size"], facts["root"])
            for entry in self._journal.proven(tx, 0, COSIGN)
            if (facts := cast("Mapping[str, Json]", entry["facts"]))["log"] == brief(origin)
        ]
        held = [] if seen is None else [(seen.size, base64.b64encode(seen.root).decode())]
        if told[-1:] != held:
            raise Fault("records.differ", kind="logs cosigned here")

    def _cosigners(self, tx: Transaction) -> list[Cosigner]:
        """Open the keys to cosign with; they are made the first time."""
        found = []
        backend, tenant = self._keyring.backend, self._keyring.tenant
        for name, kind in _SECRETS:
            record = tx.get(WrappedSecret, name)
            if record is None:
                fresh = WrappedSecret(name, backend.wrap(new_key(), secret_key(tenant, name)))
                (record,) = self._keyring.current(tx, [fresh])
                tx.add([record])
            seed = backend.unwrap(record.wrapped, secret_key(tenant, name))
            found.append(Cosigner(f"{self._attestor.origin}/witness", kind, seed))
        return found

    def keys(self, reader: Reader) -> list[CosignerKey]:
        """Give the public keys this workspace cosigns with; none until it has cosigned for the first time."""
        found = []
        for name, kind in _SECRETS:
            record = reader.get(WrappedSecret, name)
            if record is not None:
                seed = self._keyring.backend.unwrap(record.wrapped, secret_key(self._keyring.tenant, name))
                found.append(Cosigner(f"{self._attestor.origin}/witness", kind, seed).key)
        return found

    def keep(self, tx: Transaction, actor: Actor, note: str, keys: Sequence[CosignerKey]) -> Checkpoint:
        """Keep what witnesses cosigned of the own journal.

        Args:
            tx: The transaction.
            actor: Who acts.
            note: The checkpoint with their lines.
            keys: The witnesses' keys, got by another way.

        Returns:
            The checkpoint.

        Raises:
            CallerError: ``cosignature.none``, ``checkpoint.malformed``.
            Fault: ``cosignature.bad``, ``journal.bad-signature``, ``journal.truncated``, ``journal.forked``.
        """
        head = open_checkpoint(note, self._attestor.verifier)
        self._require_own(tx, head)
        for key in keys:
            if cosigned_at(note, key) is None:
                raise CallerError("cosignature.none", name=key.name)
            now = timestamp(self._clock.now())
            tx.put(Cosigned(head.size, f"{key.name}+{key.key_id.hex()}", key.to_text(), note, now))
            facts: dict[str, Json] = {"witness": brief(key.to_text()), "size": head.size}
            self._journal.append(tx, "journal.cosignature", actor, facts)
        return head

    def verify(self, reader: Reader) -> list[tuple[Cosigned, int]]:
        """Check every cosignature kept against the journal of today.

        Returns:
            Each with the time it was made, in seconds since 1970; ordered by size.

        Raises:
            Fault: ``cosignature.bad``, ``journal.truncated``, ``journal.forked``.
        """
        found = []
        for record in reader.find(Cosigned):
            head = open_checkpoint(record.note, self._attestor.verifier)
            self._require_own(reader, head)
            key = CosignerKey.from_text(record.key)
            time_s = cosigned_at(record.note, key)
            if time_s is None:
                raise Fault("cosignature.bad", name=key.name, size=head.size)
            found.append((record, time_s))
        return found

    def _require_own(self, reader: Reader, head: Checkpoint) -> None:
        size = self._journal.head(reader).size
        if head.size > size:
            raise Fault("journal.truncated", signed=head.size, size=size, index=size)
        if self._journal.root_at(reader, head.size) != head.root:
            raise Fault("journal.forked", size=head.size)


def retire_witness(tx: Transaction, journal: Journal, actor: Actor) -> bool:
    """Take away the keys to cosign with, of a workspace that may have forgotten heads it cosigned.

    What it saw since its backup it does not know, so that the old keys would vouch for a fork of that; the
    next cosigning makes new ones, of which nobody believes anything yet.

    Args:
        tx: The transaction of the restore.
        journal: Tells of it.
        actor: Who restores.

    Returns:
        Whether there were any.
    """
    had = sum(tx.remove(WrappedSecret, name=name) for name, _ in _SECRETS)
    if had:
        journal.append(tx, "cosigner.retire", actor, {"keys": had})
    return had > 0


def _require_growth(head: Checkpoint, seen: SeenLog | None, is_beginning: IsBeginning | None) -> None:
    if seen is None:
        return
    if head.size < seen.size:
        raise Fault("cosignature.older", origin=head.origin, size=head.size, known=seen.size)
    if head.size == seen.size:
        is_grown = head.root == seen.root
    elif is_beginning is None:
        raise CallerError("cosignature.no-proof", origin=head.origin, known=seen.size)
    else:
        is_grown = is_beginning(seen.size, seen.root, head)
    if not is_grown:
        raise Fault("cosignature.forked", origin=head.origin, known=seen.size)


def brief(text: str) -> str:
    """Name a log or a key of somebody else in the journal without repeating text of theirs."""
    return sha256(text.encode()).hexdigest()[:32]
