"""What the parameters of the Python face of private queries take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from hedgerow.kernel.accounting import Budget
from hedgerow.model.calls import LOSS, TEXT, WHOLE, Fit, door, kind
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.techniques.dp_query.query import Query
from hedgerow.techniques.dp_query.units import is_unit

P = ParamSpec("P")
R = TypeVar("R")
ROWS_MOST = 1_000_000


def _is_declaration(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(each, DatasetDeclaration) for each in value.values())
    return isinstance(value, DatasetDeclaration)


def _is_listed(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _is_count(value: object) -> bool:
    return WHOLE.fits(value) and value in range(1, ROWS_MOST + 1)


NAME = Fit("the name of a column", "'COLUMN'", TEXT.fits)
_COUNT = Fit("a whole number from 1 to 1,000,000", "1", lambda value: value is None or _is_count(value))
_LISTED = Fit("a list of numbers", "[0.1, 0.5, 1]", _is_listed)
FITS: Mapping[str, Fit] = {
    "sql": kind("a SELECT as text, or a query that was built", "'SELECT COUNT(*)'", str, Query),
    # A list of two columns is refused with its reason later: a row about two people.
    "person": kind("the name of a column", "'COLUMN'", str, Mapping, Sequence),
    "declaration": Fit("what hedgerow.dp.declare gives", "hedgerow.dp.declare(max_rows=1)", _is_declaration),
    "epsilon": Fit("a number or a decimal as text", "0.5", LOSS.or_none().fits),
    "rho": Fit("a number or a decimal as text", "0.01", LOSS.or_none().fits),
    "discover_keys": Fit("a chance such as 1e-8", "'1e-8'", LOSS.or_none().fits),
    "epsilons": _LISTED,
    "rhos": _LISTED.or_none(),
    "budget": kind("a Budget", "hedgerow.dp.Budget.of(1)", Budget),
    "public": kind("data frames by their names", "{'wards': FRAME}", Mapping).or_none(),
    "rank": NAME.or_none(),
    "column": NAME,
    "max_rows": _COUNT,
    "max_groups": _COUNT,
    "max_rows_per_group": _COUNT,
    "bounds": kind("two numbers by column", "{'COLUMN': (LOWER, UPPER)}", Mapping).or_none(),
    "keys": kind("a list of groups by column", "{'COLUMN': [VALUE, ...]}", Mapping).or_none(),
    "unit": Fit(
        "person, household or person-day", "'person'", lambda value: isinstance(value, str) and is_unit(value)
    ),
    "unit_column": NAME.or_none(),
    "names": Fit("the name of an output", "'n'", TEXT.fits),
}


def called(call: str, **own: Fit) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Look at what a public function on data frames is called with, by the names of its parameters.

    Args:
        call: What callers know it by.
        own: What parameters take whose name means something else here.

    Returns:
        What decorates the function; see ``door``.
    """
    return door(call, {**FITS, **own})
