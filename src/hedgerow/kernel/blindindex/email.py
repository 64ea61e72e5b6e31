"""The one form of an e-mail address."""

from __future__ import annotations

import unicodedata

_MOST = 254
_STEPS = 4


def normalise_email(value: str) -> str | None:
    """Bring an e-mail address into its one form.

    Dots and plus tags of the part before the sign stay: what they mean is the receiving host's to say. One
    host delivers ``a.b`` and ``ab`` to the same person, another to two; who is folded into somebody else
    would be shown, or erased, in that person's place, while who is not folded is only not found.

    Args:
        value: As collected or as typed.

    Returns:
        Unicode NFKC, case folded, domain labels in Unicode; none when it does not read as an address.

    Source: Unicode UAX 15 and section 5.18 of the standard (folding); RFC 3492 for ``xn--`` labels.
    """
    folded = _folded(value.strip())
    local, sign, domain = folded.rpartition("@")
    labels = domain.removesuffix(".").split(".")
    if not sign or not local or "@" in local or not all(labels):
        return None
    address = f"{local}@{_folded('.'.join(map(_unicode_label, labels)))}"
    is_clean = address.isprintable() and " " not in address  # the one blank that counts as printable
    return address if is_clean and len(address) <= _MOST and address.count("@") == 1 else None


def _folded(text: str) -> str:
    """Fold until nothing changes: folding can bring forth what NFKC joins, and the other way round."""
    if text.isascii():
        return text.lower()
    for _ in range(_STEPS):
        again = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        if again == text:
            break
        text = again
    return text


def _unicode_label(label: str) -> str:
    """Read a label that mail programs write in ASCII; one that is no such label stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode") or label
    except UnicodeError:
        return label
