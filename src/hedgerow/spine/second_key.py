"""The journal's second key: what leaves is signed with ML-DSA-44 as well, from one entry on."""

from __future__ import annotations

from typing import cast

from hedgerow.kernel.envelope import new_key
from hedgerow.kernel.merkle import parse_checkpoint
from hedgerow.kernel.merkle.cosignature import ML_DSA_44, Cosigner, CosignerKey, cosigned_at
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Setting, WrappedSecret
from hedgerow.model.uses import Actor
from hedgerow.spine.attest import Attestor
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import Keyring, secret_key

_SECRET, _SETTING = "journal-ml-dsa-44", "journal.second-key"


class SecondKey:
    """Adds a signature that holds against quantum computers to the heads that leave.

    Args:
        keyring: Wraps the key.
        journal: Tells from which entry on it is required.
        attestor: The first key; the second signs under the same name.
        clock: The time.

    Guarantee: once switched on, no head leaves through ``exported`` without it, and ``require`` refuses one
    that has none or a wrong one.
    Source: C2SP tlog-cosignature, type 0x06; FIPS 204.
    """

    def __init__(self, keyring: Keyring, journal: Journal, attestor: Attestor, clock: Clock) -> None:
        self._keyring = keyring
        self._journal = journal
        self._attestor = attestor
        self._clock = clock

    def add(self, tx: Transaction, actor: Actor) -> tuple[int, CosignerKey]:
        """Make the key and say so in the journal.

        Returns:
            The entry from which on it is required, and the public key.

        Raises:
            CallerError: ``key.exists``.
        """
        if self.known(tx) is not None:
            raise CallerError("key.exists")
        seed = new_key()
        key = Cosigner(self._attestor.origin, ML_DSA_44, seed).key
        wrapped = self._keyring.backend.wrap(seed, secret_key(self._keyring.tenant, _SECRET))
        tx.add(self._keyring.current(tx, [WrappedSecret(_SECRET, wrapped)]))
        facts = {"algorithm": "ML-DSA-44", "key": key.to_text()}
        entry = self._journal.append(tx, "journal.key", actor, facts)
        tx.put(Setting(_SETTING, f"{entry} {key.to_text()}"))
        return entry, key

    def known(self, reader: Reader) -> tuple[int, CosignerKey] | None:
        """Tell the key and the entry that told of it; none where there is no second key."""
        setting = reader.get(Setting, _SETTING)
        if setting is None:
            return None
        entry, _, text = setting.value.partition(" ")
        return int(entry), CosignerKey.from_text(text)

    def exported(self, reader: Reader, note: str) -> str:
        """Give a checkpoint as it leaves: with the second signature where there is a second key."""
        if self.known(reader) is None:
            return note
        secret = cast("WrappedSecret", reader.get(WrappedSecret, _SECRET))
        seed = self._keyring.backend.unwrap(secret.wrapped, secret_key(self._keyring.tenant, _SECRET))
        signer = Cosigner(self._attestor.origin, ML_DSA_44, seed)
        return signer.sign(note, int(self._clock.now().timestamp()))

    def require(self, reader: Reader, note: str) -> None:
        """Refuse a head that left after the second key was there and has no signature of it.

        Raises:
            Fault: ``key.second-missing``, ``cosignature.bad``.
        """
        known, size = self.known(reader), parse_checkpoint(note).size
        if known is not None and size > known[0] and cosigned_at(note, known[1]) is None:
            raise Fault("key.second-missing", size=size, entry=known[0])


def second_keys(reader: Reader) -> dict[object, object]:
    """Tell the second key that is recorded, by the entry that is said to tell of it."""
    setting = reader.get(Setting, _SETTING)
    if setting is None:
        return {}
    entry, _, text = setting.value.partition(" ")
    return {int(entry): text}
