"""What the parameters of the Python face of a workspace take."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ParamSpec, TypeVar

from hedgerow.model.calls import LOSS, TEXT, TRUTH, WHOLE, Fit, door, kind

P = ParamSpec("P")
R = TypeVar("R")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_names(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(each, str) for each in value)


def _is_question(value: object) -> bool:
    # A query that was built is a value of a technique, which is not loaded for this.
    return isinstance(value, str) or type(value).__name__ == "Query"


_LOSS = Fit("a number or a decimal as text", "0.5", LOSS.or_none().fits)
_COLUMN = Fit("the name of a column", "'COLUMN'", _is_name)
_COLUMNS = Fit("a list of names of columns", "['COLUMN', ...]", _is_names)
_PATH = kind("a path", "'PATH'", str, os.PathLike)
FITS: Mapping[str, Fit] = {
    "dataset": Fit("the name of a data set", "'visits'", _is_name),
    "sql": Fit("a SELECT as text", "'SELECT COUNT(*)'", _is_question),
    "epsilon": _LOSS,
    "rho": Fit(_LOSS.said, "0.01", _LOSS.fits),
    "discover_keys": Fit("a chance such as 1e-8", "'1e-8'", _LOSS.fits),
    "delta": Fit("a chance such as 1e-6", "'1e-6'", LOSS.fits),
    "accuracy": _LOSS,
    "latency_s": Fit("a time such as 2s", "'2s'", _LOSS.fits),
    "purpose": Fit("the name of a purpose", "'research'", TEXT.or_none().fits),
    "principal": Fit("the name of who acts", "'ana'", TEXT.fits),
    "request_id": Fit("text", "'my-request-1'", TEXT.or_none().fits),
    "fresh": TRUTH,
    "tune": TRUTH,
    "model": Fit("a kind of model", "'logistic'", TEXT.fits),
    "target": Fit(_COLUMN.said, _COLUMN.example, TEXT.or_none().fits),
    "features": _COLUMNS.or_none(),
    "fields": _COLUMNS,
    "columns": _COLUMNS,
    "people": WHOLE.or_none(),
    "name": Fit("a name", "'visits-per-week'", TEXT.fits),
    "steps": WHOLE,
    "positives": WHOLE,
    "of": Fit("a count or sum in SQL", "'COUNT(*)'", TEXT.fits),
    "where": Fit("a condition in SQL", "'age > 30'", TEXT.or_none().fits),
    "from_now": TRUTH,
    "engine": Fit("the name of an engine", "'duckdb'", TEXT.or_none().fits),
    "batch": WHOLE.or_none(),
    "epochs": WHOLE.or_none(),
    "unit": Fit("person, household or person-day", "'person'", TEXT.or_none().fits),
    "subject_key": _COLUMN,
    "purposes": kind("each purpose with its lawful basis", "{'research': 'consent'}", Mapping),
    "keep": _COLUMNS.or_none(),
    "drop": _COLUMNS.or_none(),
    "consents": kind(
        "a list of choices, or a CSV file of them", "'consents.csv'", str, os.PathLike, Sequence
    ).or_none(),
    "out": _PATH.or_none(),
    "ref": Fit("the source id of a person", "'...'", _is_name),
    "path": kind("a directory or the address of a database", "'mine'", str, os.PathLike),
    "files": _PATH.or_none(),
    "report": _PATH.or_none(),
    "children_out": _PATH.or_none(),
    "check_epsilon": _LOSS,
    "token": Fit("the label of a token", "'hedgerow'", TEXT.or_none().fits),
}


def called(
    call: str, more: Collection[str] | None = None, **own: Fit
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Look at what a function of a workspace is called with, by the names of its parameters.

    Args:
        call: What callers know it by.
        more: What may be given by name where a function takes any name; none means any.
        own: What parameters take whose name means something else here.

    Returns:
        What decorates the function; see ``door``.
    """
    return door(call, {**FITS, **own}, has_space=True, more=more)


def decimal(value: object) -> str | None:
    """Write a loss as the decimal it prints as; none stays none."""
    return None if value is None else str(value)
