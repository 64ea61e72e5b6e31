"""The head kept outside: a signed statement of the journal's head and of all that was spent.

Pure: bytes in, values out. Format: ``specs/outside-head.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hedgerow.kernel.merkle import open_checkpoint, open_document, strict_json
from hedgerow.kernel.merkle.head import HEAD_FORMAT
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.records import Account
from hedgerow.spine.attest import Attestor

OUTSIDE_FORMAT = "hedgerow/outside/v1"


class OutsideState(StrEnum):
    """What a head kept outside says about the workspace, the gravest first."""

    FORKED = "forked"
    AHEAD = "ahead"
    OLDER = "older"
    BEHIND = "behind"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Spent:
    """What an account had spent, exact.

    Args:
        epsilon: Sum of the pure losses.
        rho: Sum of the concentrated losses.
        apart: Releases without such a bound, in the order they were made.
        pure_rho: What the pure losses cost as zCDP, where it was followed; a head does not tell it.
        delta: Sum of the chances that losses have of their own.
    """

    epsilon: Fraction
    rho: Fraction
    apart: tuple[str, ...]
    pure_rho: Fraction = field(default=Fraction(0), compare=False)
    delta: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class OutsideHead:
    """A head kept outside, its signature checked.

    Args:
        tenant: Whose journal.
        size: Number of entries.
        root: Root over them, 32 bytes.
        checkpoint: The signed checkpoint.
        spent: Data set and purpose (``*`` and ``*`` for the population) to what was spent.
        time: When it was made, ISO 8601 in UTC.
        erasures: A text that changed with every erasure, as the list of erasures of a backup has it.
        line: The line of the workspace: empty for one that was never restored, none where it is not told.
        unknown_since: Since when the workspace did not know what was spent; empty where it did.
    """

    tenant: str
    size: int
    root: bytes
    checkpoint: str
    spent: Mapping[tuple[str, str], Spent]
    time: str
    erasures: str = ""
    line: str | None = None
    unknown_since: str = ""


def make_outside(
    attestor: Attestor,
    tenant: str,
    checkpoint: str,
    accounts: Sequence[Account],
    time: str,
    erasures: str = "",
    line: str | None = None,
    unknown_since: str = "",
) -> bytes:
    """Make and sign a statement of a head and the spent totals that belong to it.

    Args:
        attestor: Signs; its key signed the checkpoint.
        tenant: Whose journal.
        checkpoint: The newest checkpoint.
        accounts: Every account, read with that head.
        time: ISO 8601 in UTC.
        erasures: What changes with every erasure.
        line: The line of the workspace, as ``OutsideHead`` has it.
        unknown_since: As ``OutsideHead`` has it.

    Returns:
        One line of canonical JSON with a final newline.

    Raises:
        Fault: ``journal.bad-signature`` when the checkpoint is not the attestor's.
    """
    head = open_checkpoint(checkpoint, attestor.verifier)
    return attestor.statement(
        {
            "format": OUTSIDE_FORMAT,
            "tenant": tenant,
            "origin": head.origin,
            "size": head.size,
            "root": head.root_base64,
            "checkpoint": checkpoint,
            "fingerprint": attestor.fingerprint,
            "spent": [_spent_json(account) for account in accounts],
            "time": time,
            **({"erasures": erasures} if erasures else {}),
            **({"line": line} if line is not None else {}),
            **({"unknown_since": unknown_since} if unknown_since else {}),
        }
    )


def _spent_json(account: Account) -> dict[str, object]:
    return {
        "dataset": account.dataset,
        "purpose": account.purpose,
        "epsilon": _exact(account.epsilon),
        "rho": _exact(account.rho),
        "apart": [name for name in account.apart.split(",") if name],
        **({"delta": _exact(account.delta)} if Fraction(account.delta) else {}),
    }


def _exact(text: str) -> str:
    value = Fraction(text)
    return f"{value.numerator}/{value.denominator}"


def open_outside(stored: bytes, origin: str, public_key: Ed25519PublicKey) -> OutsideHead:
    """Read a head kept outside whose two signatures verify.

    Args:
        stored: The bytes that were kept.
        origin: The journal's name.
        public_key: The journal's key.

    Returns:
        The head.

    Raises:
        CallerError: ``witness.malformed`` when it is no such statement, or another journal's.
        Fault: ``journal.bad-signature`` when the journal's key did not sign it.

    Guarantee: every value returned was signed by the journal's key, and the checkpoint too.
    """
    record = _record(stored)
    if record.get("origin") != origin:
        raise CallerError("witness.malformed", reason="it belongs to another journal")
    try:
        record = open_document(stored, origin, public_key)
        head = open_checkpoint(str(record["checkpoint"]), public_key)
        if (record["size"], record["root"]) != (head.size, head.root_base64) or head.origin != origin:
            raise CallerError("witness.malformed", reason="it contradicts its checkpoint")
        spent = {_account(each): _spent(each) for each in cast("list[dict[str, object]]", record["spent"])}
        return OutsideHead(str(record["tenant"]), head.size, head.root, head.note, spent, str(record["time"]),
                           str(record.get("erasures", "")), str(record["line"]) if "line" in record else None,
                           str(record.get("unknown_since", "")))  # fmt: skip
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        raise CallerError("witness.malformed", reason="a member is missing or of another form") from None


def _record(stored: bytes) -> Mapping[str, object]:
    try:
        record = strict_json(stored)
    except ValueError as error:
        raise CallerError("witness.malformed", reason=str(error)) from None
    if isinstance(record, dict) and record.get("format") == HEAD_FORMAT:
        reason = "a head saved by `hedgerow journal head` does not tell what was spent"
        raise CallerError("witness.malformed", reason=reason)
    if not isinstance(record, dict) or record.get("format") != OUTSIDE_FORMAT:
        raise CallerError("witness.malformed", reason=f"it is not of the format {OUTSIDE_FORMAT}")
    return record


def _account(record: Mapping[str, object]) -> tuple[str, str]:
    return str(record["dataset"]), str(record["purpose"])


def _spent(record: Mapping[str, object]) -> Spent:
    apart = cast("list[str]", record["apart"])
    epsilon, rho = (Fraction(str(record[name])) for name in ("epsilon", "rho"))
    return Spent(epsilon, rho, tuple(map(str, apart)), delta=Fraction(str(record.get("delta", "0"))))


def spent_of(account: Account) -> Spent:
    """Read what an account says was spent, as a head kept outside tells it."""
    apart = tuple(name for name in account.apart.split(",") if name)
    return Spent(Fraction(account.epsilon), Fraction(account.rho), apart, delta=Fraction(account.delta))


def compare_outside(
    outside: OutsideHead, size: int, root_at: Callable[[int], bytes], known: int = 0
) -> OutsideState:
    """Say what a head kept outside tells of the journal of today.

    Args:
        outside: The head kept outside.
        size: Number of entries today.
        root_at: Gives the root the journal of today has at a size up to that.
        known: The size that this place is known to have held.

    Returns:
        The state.

    Guarantee: ``current`` and ``behind`` mean that the journal of today begins with all that the
    head was signed over, and that the place holds no less than it was known to hold.
    """
    if outside.size > size:
        return OutsideState.AHEAD
    if root_at(outside.size) != outside.root:
        return OutsideState.FORKED
    if outside.size < known:
        return OutsideState.OLDER
    return OutsideState.CURRENT if outside.size == size else OutsideState.BEHIND


def spent_since(then: Mapping[tuple[str, str], Spent], outside: OutsideHead) -> dict[tuple[str, str], Spent]:
    """Tell what a head kept outside says was spent beyond what is known, by account.

    Args:
        then: The totals known, for example those of a backup.
        outside: The newer head.

    Returns:
        What to charge for each account in which more was spent; nothing is ever negative.

    Raises:
        Fault: ``witness.less-spent`` when an account had spent more than the newer head says.
    """
    more: dict[tuple[str, str], Spent] = {}
    nothing = Spent(Fraction(0), Fraction(0), ())
    for where in sorted({*then, *outside.spent}):
        old, new = then.get(where, nothing), outside.spent.get(where, nothing)
        is_less = new.epsilon < old.epsilon or new.rho < old.rho or new.delta < old.delta
        if is_less or new.apart[: len(old.apart)] != old.apart:
            raise Fault("witness.less-spent", dataset=where[0], purpose=where[1])
        gained = Spent(
            new.epsilon - old.epsilon,
            new.rho - old.rho,
            new.apart[len(old.apart) :],
            delta=new.delta - old.delta,
        )
        if gained != nothing:
            more[where] = gained
    return more


def why_unreadable(error: HedgerowError) -> str:
    """Say in a few words why what a place holds is no head of this journal."""
    return str(error.details["reason"]) if "reason" in error.details else "its signature does not verify"
