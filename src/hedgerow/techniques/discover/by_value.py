"""Rules that values alone decide: shapes with check digits, and shapes nothing else has."""

from __future__ import annotations

from hedgerow.model.words import ColumnRole
from hedgerow.techniques.discover.profile import (
    BINARY,
    EMPTY,
    NESTED,
    TEMPLATE_SIZES,
    TEXT,
    VECTOR,
    WHOLE,
)
from hedgerow.techniques.discover.shapes import chance_of
from hedgerow.techniques.discover.verdict import Sight, Verdict

ALMOST_ALL, MOST, HALF, SOME = 0.95, 0.8, 0.5, 0.02
ENOUGH_CHECKED = 12
PROVEN_SECRET = 0.95
_NATIONAL = ("cn-resident-id", "us-ssn", "uk-nino")
_NATIONAL_CHECKED = ("uk-nhs", "in-aadhaar", "nl-bsn", "pl-pesel", "br-cpf")
_PLAIN = {
    "email": ("email", ColumnRole.DIRECT_IDENTIFIER, HALF),
    "mac": ("mac-address", ColumnRole.DIRECT_IDENTIFIER, MOST),
    "ipv4": ("ip-address", ColumnRole.DIRECT_IDENTIFIER, MOST),
    "ipv6": ("ip-address", ColumnRole.DIRECT_IDENTIFIER, MOST),
    "jwt": ("secret", ColumnRole.SENSITIVE, HALF),
    "api-key": ("secret", ColumnRole.SENSITIVE, HALF),
    "url": ("url", ColumnRole.QUASI_IDENTIFIER, MOST),
    "coordinate-pair": ("coordinates", ColumnRole.QUASI_IDENTIFIER, MOST),
}
_BODY = {"face-template", "fingerprint-template"}


def without_values(sight: Sight) -> Verdict | None:
    """Judge vectors, binary values and columns without values."""
    if sight.is_kind(EMPTY):
        return None
    if sight.is_kind(VECTOR) or sight.share("vector-text") >= MOST:
        return _vector(sight)
    if sight.is_kind(BINARY):
        return Verdict(
            "binary", ColumnRole.SENSITIVE, 0.5, ("binary values may hold an image or a template",)
        )
    if sight.is_kind(NESTED):
        return Verdict("nested", ColumnRole.SENSITIVE, 0.5, ("nested values may hold anything",))
    return None


def _vector(sight: Sight) -> Verdict | None:
    size = sight.profile.vector_size
    if sight.is_kind(VECTOR) and size not in TEMPLATE_SIZES:
        return Verdict("nested", ColumnRole.SENSITIVE, 0.5, ("lists of numbers may hold anything",))
    why = f"vectors of one length ({size})" if size else "vectors of 64 to 1,024 numbers"
    if sight.hint.category in _BODY:
        return Verdict(
            sight.hint.category, ColumnRole.DIRECT_IDENTIFIER, 0.95, (why, "the name says biometric")
        )
    return Verdict("embedding", ColumnRole.SENSITIVE, 0.6, (why, "may be a face or voice template"))


def certain(sight: Sight) -> Verdict | None:
    """Judge by shapes that nothing else has and by check digits that chance does not pass."""
    if not sight.is_kind(TEXT, WHOLE):
        return None
    for shape, (category, role, least) in _PLAIN.items():
        share = sight.share(shape)
        if share >= least:
            return Verdict(category, role, _sure(sight, category), (_said(share, shape),))
    return (
        _credentials(sight) or _financial(sight) or _national(sight) or _phone(sight) or _some_emails(sight)
    )


def _sure(sight: Sight, category: str) -> float:
    return 0.99 if sight.hint.category == category else 0.95


def _said(share: float, shape: str) -> str:
    return f"{share:.0%} of the distinct values have the shape {shape}"


def _passes(sight: Sight, shape: str, named: str) -> bool:
    """Tell whether check digits hold far more often than by chance."""
    share = sight.share(shape)
    if sight.hint.category == named:
        return share >= HALF
    enough = sight.profile.cardinality >= ENOUGH_CHECKED or chance_of(shape) <= SOME
    return share >= MOST and enough and not sight.profile.rising


def _credentials(sight: Sight) -> Verdict | None:
    """Find passwords and keys inside text; a few are enough, as each opens something."""
    share = sight.share("credential")
    if share < SOME:
        return None
    said = f"{share:.0%} of the distinct values hold a password or key"
    return Verdict("secret", ColumnRole.SENSITIVE, PROVEN_SECRET, (said,))


def _financial(sight: Sight) -> Verdict | None:
    for shape in ("iban", "card"):
        if _passes(sight, shape, shape):
            said = f"{sight.share(shape):.0%} of the distinct values pass the check digits of {shape}"
            return Verdict(shape, ColumnRole.DIRECT_IDENTIFIER, _sure(sight, shape), (said,))
    return None


def _national(sight: Sight) -> Verdict | None:
    for shape in (*_NATIONAL, *_NATIONAL_CHECKED):
        if _passes(sight, shape, "national-id"):
            said = f"{sight.share(shape):.0%} of the distinct values are well-formed {shape} numbers"
            return Verdict("national-id", ColumnRole.DIRECT_IDENTIFIER, _sure(sight, "national-id"), (said,))
    return None


def _phone(sight: Sight) -> Verdict | None:
    if sight.hint.category not in {"", "phone"} or sight.hint.of_event or sight.profile.rising:
        return None
    share = sight.share("phone")
    if sight.is_kind(TEXT) and share >= HALF and sight.share("date-text", "us-ssn", "numeric") < share:
        return Verdict("phone", ColumnRole.DIRECT_IDENTIFIER, _sure(sight, "phone"), (_said(share, "phone"),))
    mobile = sight.share("cn-mobile")
    if mobile >= ALMOST_ALL and sight.profile.spread > HALF:
        return Verdict("phone", ColumnRole.DIRECT_IDENTIFIER, 0.8, (_said(mobile, "cn-mobile"),))
    return None


def _some_emails(sight: Sight) -> Verdict | None:
    share = sight.share("email")
    if share < SOME:
        return None
    return Verdict(
        "email", ColumnRole.DIRECT_IDENTIFIER, 0.6, (_said(share, "email"), "mixed with other values")
    )
