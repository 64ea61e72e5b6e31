"""What a finished table reaches under each privacy model, from its classes and codes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity import distances
from hedgerow.kernel.anonymity.coding import Floats, Ints
from hedgerow.kernel.anonymity.distances import Reference
from hedgerow.kernel.anonymity.grouping import Pairs, distinct_pairs
from hedgerow.model.measures import SensitiveMeasures, TableMeasures


def table_measures(sizes: Ints, members: Ints | None = None) -> TableMeasures:
    """State what class sizes reach.

    Args:
        sizes: Rows of each class, each at least 1.
        members: People of each class; none where each row is a person of its own.

    Returns:
        The figures, exact.
    """
    people = sizes if members is None else members
    return TableMeasures(
        rows=int(sizes.sum()),
        classes=len(sizes),
        k=int(people.min()),
        average_risk=Fraction(len(sizes), int(people.sum())),
        unique_rows=int(sizes[people == 1].sum()),
    )


def sensitive_measures(
    column: str,
    classes: Ints,
    values: Ints,
    number: int,
    *,
    is_ordered: bool = False,
    levels: tuple[Ints, ...] = (),
    reference: Reference,
) -> SensitiveMeasures:
    """State what the classes of a table tell about one sensitive column.

    Args:
        column: Its name.
        classes: Class of each row.
        values: Value code of each row, -1 for missing; in the order of the values with ``is_ordered``.
        number: Number of classes.
        is_ordered: Whether the values have an order.
        levels: Group of each value code at each level below the top of its hierarchy, or none.
        reference: What classes are compared with.

    Returns:
        The figures; each class without a known value has no value to compare and discloses none.
    """
    whole = reference
    pairs = distinct_pairs(classes, values)
    known = pairs.distinct(number) > 0
    distinct = int(pairs.distinct(number).min())
    rows, first = distances.totals(pairs, number), distances.largest(pairs, number)
    shares = pairs.counts / rows[pairs.classes]
    gains = distances.gains(pairs, number, whole)
    gain = max(float(gains.max(initial=0.0)), 0.0)
    return SensitiveMeasures(
        column=column,
        distinct_l=distinct,
        entropy_l=float(math.exp(distances.entropies(pairs, number)[known].min())) if known.all() else 0.0,
        recursive_c=_least_c(pairs, number, first, distinct),
        t_equal=_most(distances.equal_distances(pairs, number, whole)),
        t_ordered=_most(distances.ordered_distances(pairs, number, whole)) if is_ordered else None,
        t_hierarchical=(
            _most(distances.hierarchical_distances(pairs, number, whole, levels)) if levels else None
        ),
        beta_basic=gain,
        beta_enhanced=min(gain, _rarest(whole)),
        is_within_logarithm=_is_within_logarithm(pairs, rows, whole),
        delta_disclosure=_disclosure(shares, whole.shares[pairs.values]),
        alpha=float(shares.max(initial=0.0)),
    )


def _most(figures: Floats) -> float:
    return float(figures.max(initial=0.0))


def _least_c(pairs: Pairs, number: int, first: Ints, distinct: int) -> Fraction | None:
    """The number that c must exceed for recursive (c, l)-diversity at the table's distinct l."""
    if distinct <= 1:
        return None
    rest = distances.tails(pairs, number, distinct)
    worst = int(np.argmax(first / rest))
    return Fraction(int(first[worst]), int(rest[worst]))


def _rarest(whole: Reference) -> float:
    return float(-np.log(whole.shares[whole.counts > 0].min()))


def _is_within_logarithm(pairs: Pairs, rows: Ints, whole: Reference) -> bool:
    bounds = -np.log(whole.shares[pairs.values])
    gained = pairs.counts / rows[pairs.classes] / whole.shares[pairs.values] - 1
    none = pairs.counts * whole.total <= rows[pairs.classes] * whole.counts[pairs.values]
    return bool((none | (gained <= bounds - distances.BAND)).all())


def _disclosure(shares: Floats, whole: Floats) -> float:
    return float(np.abs(np.log(shares / whole)).max(initial=0.0))
