"""The term of a value: a truncated HMAC under a key of its own for each version of each index."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from hedgerow.kernel.envelope import derive
from hedgerow.model.keys import encode_fields

TERM_BYTES = 16
_LABEL = encode_fields("hedgerow/blind-index/1")


def term_key(secret: bytes, tenant: str, dataset: str, column: str, form: str, version: int) -> bytes:
    """Derive the key of one version of one index.

    Args:
        secret: The secret of that version, 32 bytes.
        tenant: The organisation.
        dataset: The data set.
        column: The column.
        form: Name of the form values are brought into.
        version: Version of the index, from 1.

    Returns:
        32 bytes; equal values have unrelated terms under another key.

    Source: RFC 5869, see ``specs/blind-index.md``.
    """
    return derive(secret, "blind-index", tenant, dataset, column, form, version)


def terms(key: bytes, values: Iterable[str]) -> list[bytes]:
    """Compute the terms of values that are in their one form.

    Args:
        key: What ``term_key`` gave, 32 bytes.
        values: Normalised values.

    Returns:
        16 bytes each, in order.

    Guarantee: without the key a term tells nothing but equality within its index; whoever holds the
        key can test guesses.
    Source: HMAC-SHA256, RFC 2104, section 5 on truncation.
    """
    return [hmac.digest(key, _LABEL + value.encode(), "sha256")[:TERM_BYTES] for value in values]
