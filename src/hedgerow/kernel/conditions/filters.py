"""A condition of its own, as a caller writes it to pick rows: read from text, and written in one form."""

from __future__ import annotations

import re
from fractions import Fraction

import sqlglot
from sqlglot import exp

from hedgerow.kernel.conditions.hints import Hint
from hedgerow.kernel.conditions.parts import (
    Both,
    Comparison,
    Condition,
    Constant,
    Either,
    Member,
    Name,
    Null,
    Term,
    Truth,
)
from hedgerow.kernel.conditions.reading import condition, name_of
from hedgerow.model.errors import CallerError, Fault, Refused

TEXT_MAX = 2_000
"""Most characters of a condition, as it is typed and as it is written again: no certificate shortens it."""

_WORKED_OUT = Hint("more than a column and a constant", "Compare the column itself, as in age >= 18.")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def condition_of(text: str) -> Condition:
    """Read a condition: comparisons of columns with constants, joined by AND, OR and NOT.

    Args:
        text: Such as ``age >= 18 AND ward = 'A'``, at most :data:`TEXT_MAX` characters.

    Raises:
        CallerError: ``release.where-malformed``; nothing of the text stands in it.
        Refused: ``release.where-unsupported`` for what is no such comparison.
    """
    if len(text) > TEXT_MAX:
        raise CallerError("release.where-malformed", most=TEXT_MAX)
    try:
        # Two of them, and none, are several nodes or an empty one.
        (node,) = _dialect().parse_into(exp.Condition, text, error_level=sqlglot.ErrorLevel.RAISE)
    except Exception:  # noqa: BLE001 - whatever hostile text does to the parser, it is no condition
        node = None
    if not isinstance(node, exp.Expr):
        raise CallerError("release.where-malformed", most=TEXT_MAX)
    try:
        return condition(node, operand=_column)
    except Refused as error:
        part, advice = error.details["part"], error.details["advice"]
        raise Refused("release.where-unsupported", part=part, advice=advice) from None


def _column(node: exp.Expr) -> Name:
    if not isinstance(node, exp.Column):
        raise _WORKED_OUT.refusal()
    return name_of(node)


def _dialect() -> sqlglot.Dialect:
    return sqlglot.Dialect.get_or_raise(None)


def normalised(text: str) -> str:
    """Write a condition in one form: remarks, spacing and needless parentheses gone, NOT worked in.

    Args:
        text: As :func:`condition_of` takes it.

    Returns:
        A text that reads as the same condition.

    Raises:
        CallerError: As :func:`condition_of`, and where it grew too long.
        Refused: As :func:`condition_of`.
    """
    written = _written(condition_of(text))
    if len(written) > TEXT_MAX:
        raise CallerError("release.where-malformed", most=TEXT_MAX)
    return written


def _written(part: Condition, inside: type[Both | Either] | None = None) -> str:
    match part:
        case Both(parts=parts) | Either(parts=parts):
            word = " AND " if isinstance(part, Both) else " OR "
            joined = word.join(_written(each, type(part)) for each in parts)
            return joined if inside in (None, type(part)) else f"({joined})"
        case Comparison(op=op, column=column, constant=constant):
            return f"{_name(column)} {op} {_constant(constant)}"
        case Member(column=column, constants=constants, is_negated=is_negated):
            listed = ", ".join(map(_constant, constants))
            return f"{_name(column)} {'NOT ' if is_negated else ''}IN ({listed})"
        case Null(column=column, is_negated=is_negated):
            return f"{_name(column)} IS {'NOT ' if is_negated else ''}NULL"
        case Truth(column=column, is_negated=is_negated):
            return f"{'NOT ' if is_negated else ''}{_name(column)}"


def _name(term: Term) -> str:
    if not isinstance(term, Name):  # what reads conditions without an operand gives names alone
        raise Fault("use.failed", kind="condition")
    if not term.is_quoted and _PLAIN.fullmatch(term.text):
        return term.text
    return '"' + term.text.replace('"', '""') + '"'


def _constant(value: Constant) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return _decimal(value) if isinstance(value, Fraction) else str(value)


def _decimal(value: Fraction) -> str:
    """Write a number that was read from digits: its denominator divides a power of ten."""
    places = next(many for many in range(1, 40) if 10**many % value.denominator == 0)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
