"""States of runs that go on over time, as canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import Any

from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError


def exact_text(value: Fraction) -> str:
    """Write a fraction."""
    return f"{value.numerator}/{value.denominator}"


def state_text(form: str, **held: object) -> bytes:
    """Write a state.

    Args:
        form: Name and version of its format.
        held: Its fields, of plain values.

    Returns:
        Canonical JSON.
    """
    return canonical({"format": form, **held})


def read_state(
    text: bytes,
    form: str,
    integers: AbstractSet[str],
    *,
    fractions: AbstractSet[str] = frozenset(),
    lists: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    """Read a state, every field of which must be there and of its kind.

    Args:
        text: The JSON.
        form: The only format that is read.
        integers: Fields that are whole numbers.
        fractions: Fields that are positive fractions.
        lists: Fields that are lists of whole numbers.

    Returns:
        The fields, lists as tuples.

    Raises:
        CallerError: ``dp.bad-run``.
    """
    try:
        held = json.loads(text)
        if not isinstance(held, dict) or held.pop("format", None) != form:
            held = {}
        read: dict[str, Any] = {name: _whole(held.pop(name)) for name in integers}
        read |= {name: Fraction(str(held.pop(name))) for name in fractions}
        read |= {name: tuple(_whole(each) for each in held.pop(name)) for name in lists}
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError):
        raise CallerError("dp.bad-run") from None
    if held:
        raise CallerError("dp.bad-run")
    return read


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
