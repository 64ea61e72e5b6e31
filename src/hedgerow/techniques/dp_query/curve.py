"""How wrong an answer may be against what it costs, for one query, before any of it is spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, cast

from hedgerow.kernel.aggregation.frames import arrow_of
from hedgerow.model.budget import checked_epsilon, show_exact
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.frames import is_spark
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_query.calls import called
from hedgerow.techniques.dp_query.frame import explain

RHOS = tuple(Fraction(text) for text in ("0.0001", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1"))
EPSILONS = tuple(Fraction(text) for text in ("0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"))
_MOST_POINTS = 50
_IN_RANK = " rows in rank"


@called("dp.curve")
def curve(
    frame: Any,  # noqa: ANN401 - any data frame
    sql: str,
    *,
    person: str | Mapping[str, str],
    declaration: DatasetDeclaration | Mapping[str, DatasetDeclaration],
    epsilons: Iterable[str | float | Decimal | Fraction] = EPSILONS,
    rhos: Iterable[str | float | Decimal | Fraction] | None = None,
    public: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Tell how wrong a query on a data frame may be at several epsilons, without reading a value.

    Args:
        frame: Its column names and types are read, nothing else.
        sql: The query.
        person: The column that names the person of each row.
        declaration: Rows per person, bounds and keys.
        epsilons: What the answer could cost, 1 to 50 values.
        rhos: What it could cost with Gaussian noise, in place of epsilons.
        public: Data frames about nobody, which are read whole.

    Returns:
        ``epsilons`` or ``rhos``, ``outputs`` with ``half_widths_95`` at each of them, and ``unknown``: the
        outputs of which no error is known before data. Of a quantile it is told in rows, by which its rank
        may be off.

    Raises:
        Refused: What cannot be bounded.
        CallerError: When the query, the frame or an epsilon is malformed.
    """
    table = frame if isinstance(frame, Mapping) or is_spark(frame) else arrow_of(frame)
    wanted, name = spread(epsilons if rhos is None else rhos), "epsilon" if rhos is None else "rho"

    def described(loss: Fraction) -> Mapping[str, Json] | None:
        try:
            loss_of = {name: loss}
            return explain(table, sql, person=person, declaration=declaration, public=public, **loss_of)
        except Refused as refusal:
            if refusal.code != "dp.too-noisy":
                raise
            return None

    return curve_of(wanted, [described(each) for each in wanted], name)


def spread(epsilons: Iterable[str | float | Decimal | Fraction]) -> list[Fraction]:
    """Take the epsilons of a curve: each once, the smallest first.

    Args:
        epsilons: 1 to 50 values.

    Returns:
        The exact values.

    Raises:
        CallerError: ``budget.not-a-number``, ``dp.curve-points``.
    """
    wanted = sorted({checked_epsilon(each) for each in epsilons})
    if not 1 <= len(wanted) <= _MOST_POINTS:
        raise CallerError("dp.curve-points", most=_MOST_POINTS)
    return wanted


def curve_of(
    epsilons: Sequence[Fraction], described: Sequence[Mapping[str, Json] | None], loss: str = "epsilon"
) -> dict[str, Json]:
    """Gather what plans say of their error into one curve for each output.

    Args:
        epsilons: The epsilons, in order.
        described: What the plan of each says (``QueryPlan.describe``), or none where there is no plan.
        loss: What they are: ``epsilon`` or ``rho``.

    Returns:
        ``epsilons`` or ``rhos``; ``outputs`` as name, ``given`` (what the figure supposes; empty for one
        that holds whatever the data is) and ``half_widths_95``; and ``unknown``.
    """
    found: dict[tuple[str, str], dict[int, str]] = {}
    unknown: dict[str, None] = {}
    for place, plan in enumerate(described):
        for output in cast("Sequence[Mapping[str, Json]]", (plan or {}).get("outputs", ())):
            if output["kind"] == "key":
                continue
            name, (given, width) = str(output["name"]), _expected(output.get("expected_error_95"))
            if width is None and not given:
                unknown[name] = None
                continue
            drawn = found.setdefault((name, given), {})
            if width is not None:
                drawn[place] = width
    return {
        f"{loss}s": [show_exact(each, 12) for each in epsilons],
        "outputs": [
            {"name": name, "given": given, "half_widths_95": [widths.get(n) for n in range(len(epsilons))]}
            for (name, given), widths in found.items()
        ],
        "unknown": list(unknown),
    }


def _expected(told: Json) -> tuple[str, str | None]:
    """Read an expected error: a figure, or figures by what they suppose, of which the middle one is drawn."""
    if isinstance(told, Mapping) and told:
        given, width = list(told.items())[len(told) // 2]
        return str(given), _figure(width)
    if isinstance(told, str) and told.endswith(_IN_RANK):
        return _IN_RANK.strip(), _figure(told.removesuffix(_IN_RANK))
    return "", _figure(told)


def _figure(told: Json) -> str | None:
    try:
        return str(told) if Decimal(str(told)).is_finite() else None
    except InvalidOperation:
        return None
