"""Drafting a survey: sizes that fit, and the mechanism with the least error where none is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hedgerow.kernel.local.client import (
    HADAMARD,
    ONE,
    OPTIMISED,
    RESPONSE,
    SKETCH,
    SURVEY_FORMAT,
    Json,
    Refusal,
    Survey,
    epsilon_of,
    odds_below,
    strict_json,
)
from hedgerow.kernel.local.forecast import forecast
from hedgerow.model.errors import CallerError

# Beyond it a report of one bit for each value is longer than it is worth.
_BITS_WORTH = 256
_PEOPLE = 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be asked, and how.

    Args:
        name: The survey's name, as those of data sets.
        epsilon: Privacy loss of one report, decimal text from 0.01 to 10.
        domain: The values there are; none for a sketch, which takes any text.
        mechanism: One of the mechanisms, or none for the one with the least error.
        other: The value of the domain that stands for every other, or none.
        rows: Rows of a sketch, 16 to 1,024.
        buckets: Buckets of a sketch, a power of two from 16 to 4,096.
        reports: Reports that one person may give, 1 or more.
        memoise: Whether a person's answer to the same value is kept and given again.
    """

    name: str
    epsilon: str
    domain: Sequence[str] | None = None
    mechanism: str | None = None
    other: str | None = None
    rows: int = 64
    buckets: int = 1024
    reports: int = 1
    memoise: bool = False


def draft(wish: Wish, seed: str) -> dict[str, Json]:
    """Write a survey as its JSON object.

    Args:
        wish: What is to be asked.
        seed: 64 random hexadecimal letters, for a sketch.

    Returns:
        The object; it is one that ``Survey`` takes.

    Raises:
        CallerError: ``local.bad-survey``.
    """
    if wish.mechanism is None and wish.domain is not None:
        return _best(wish, seed)
    mechanism = wish.mechanism or SKETCH
    if (mechanism == SKETCH) is not (wish.domain is None):
        problem = "it names no values" if wish.domain is None else "a sketch takes any value and names none"
        raise CallerError("local.bad-survey", problem=problem)
    record: dict[str, Json] = {
        "format": SURVEY_FORMAT,
        "name": wish.name,
        "mechanism": mechanism,
        "epsilon": wish.epsilon,
        "reports": wish.reports,
        "memoise": wish.memoise,
    }
    if mechanism == SKETCH:
        record |= {"rows": wish.rows, "buckets": wish.buckets, "seed": seed}
    else:
        record |= {"domain": list(wish.domain or ())}
    if mechanism == HADAMARD:
        record["blocks"] = _blocks(wish)
    if wish.other is not None:
        record["other"] = wish.other
    checked_survey(record)
    return record


def checked_survey(record: Json) -> Survey:
    """Check a survey as its client does.

    Args:
        record: The object as read from JSON.

    Raises:
        CallerError: ``local.bad-survey``.
    """
    try:
        return Survey(record)
    except Refusal as refusal:
        raise CallerError("local.bad-survey", problem=str(refusal)) from None


def parse_survey(raw: bytes) -> Survey:
    """Read a survey from the bytes of its file.

    Args:
        raw: JSON in UTF-8.

    Returns:
        The survey.

    Raises:
        CallerError: ``local.bad-survey``.
    """
    try:
        return checked_survey(strict_json(raw))
    except (ValueError, RecursionError):
        raise CallerError("local.bad-survey", problem="it is not JSON") from None


def _best(wish: Wish, seed: str) -> dict[str, Json]:
    """Choose the least error; among many values, an answer of one number before one of many bits."""

    def of(mechanism: str) -> dict[str, Json]:
        fields = {name: getattr(wish, name) for name in Wish.__slots__}
        return draft(Wish(**{**fields, "mechanism": mechanism}), seed)

    direct = of(RESPONSE)
    other = of(OPTIMISED if len(wish.domain or ()) <= _BITS_WORTH else HADAMARD)
    errors = [forecast(checked_survey(each), _PEOPLE).error for each in (direct, other)]
    return direct if errors[0] <= errors[1] else other


def _blocks(wish: Wish) -> int:
    """Choose about the least variance: the greatest power of two up to ``(e**epsilon - 1) / sqrt(2)``."""
    try:
        gain = odds_below(epsilon_of(wish.epsilon)) - ONE
    except Refusal as refusal:
        raise CallerError("local.bad-survey", problem=str(refusal)) from None
    blocks = 1
    while 2 * blocks <= len(wish.domain or ()) and 2 * (2 * blocks * ONE) ** 2 <= gain**2:
        blocks *= 2
    return blocks
