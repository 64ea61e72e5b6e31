"""What a finished table is still good for, against the table it was made from.

Every measure reads the release as what it is, combinations of hierarchy cells and how many rows have each:
it does not need to know which row became which, so it can be taken of any release at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats, Ints, LevelMaps, Tuples, combined_keys

SANITY = 1000
"""Relative errors are taken against at least one row in so many, so that empty answers do not decide."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A release beside its source.

    Args:
        source: Distinct tuples of the source, as codes of the hierarchies' values.
        columns: Level maps per column.
        levels: Level per released combination and column.
        groups: Group at that level per released combination and column.
        sizes: Released rows of each combination.
    """

    source: Tuples
    columns: tuple[LevelMaps, ...]
    levels: Ints = field(repr=False)
    groups: Ints = field(repr=False)
    sizes: Ints = field(repr=False)

    @property
    def suppressed(self) -> int:
        """Rows of the source that were not released."""
        return self.source.rows - int(self.sizes.sum())

    def leaves(self, column: int) -> Ints:
        """Count the values that each combination's cell in a column stands for.

        Args:
            column: Place of the column.

        Returns:
            At least 1 each.
        """
        maps = self.columns[column]
        known = np.zeros((len(maps.groups), max(maps.sizes)), dtype=np.int64)
        for level, groups in enumerate(maps.groups):
            known[level, : maps.sizes[level]] = np.bincount(groups, minlength=maps.sizes[level])
        return known[self.levels[:, column], self.groups[:, column]]


def column_granularity(finished: Finished) -> tuple[float, ...]:
    """Tell how much detail each column keeps.

    Per cell 1 - (values it stands for - 1) / (values of the domain - 1), averaged over the rows of
    the source; a suppressed row keeps nothing. A column of one value keeps all unless suppressed.

    Args:
        finished: The release beside its source.

    Returns:
        One number per column, 0 (all ``*``) to 1 (as collected).

    Source:
        Iyengar, Transforming data to satisfy privacy constraints (KDD 2002), one minus his loss.
    """
    return tuple(_kept(finished, column) for column in range(len(finished.columns)))


def _kept(finished: Finished, column: int) -> float:
    domain = len(finished.columns[column].groups[0])
    if domain <= 1:
        hidden = finished.levels[:, column] > 0
        return float(finished.sizes @ ~hidden) / finished.source.rows
    lost = (finished.leaves(column) - 1) / (domain - 1)
    return float(finished.sizes @ (1 - lost)) / finished.source.rows


def granularity(finished: Finished) -> float:
    """Average the granularity of all columns: what the searches' loss leaves, when weights are equal.

    Args:
        finished: The release beside its source.

    Returns:
        0 to 1.
    """
    return float(np.mean(column_granularity(finished)))


def stretched_granularity(finished: Finished) -> float:
    """Average shares of the domains first and stretch to 0 and 1 then, as ARX prints granularity.

    With s the share of its column's domain that a cell stands for (1 in a suppressed row), averaged over
    rows and then columns, and m the mean over columns of 1 / (values of the domain):
    1 - (s - m) / (1 - m). Columns with few values weigh less than in ``granularity``.

    Args:
        finished: The release beside its source.

    Returns:
        0 to 1.

    Source:
        ARX 3.9.2, QualityModelColumnOrientedLoss and QualityMeasureColumnOriented.getArithmeticMean(false),
        on which its recorded figures agree.
    """
    rows, shares, least = finished.source.rows, 0.0, 0.0
    for column, maps in enumerate(finished.columns):
        domain = len(maps.groups[0])
        share = float(finished.sizes @ (finished.leaves(column) / domain)) + finished.suppressed
        shares += share / rows
        least += 1 / domain
    count = len(finished.columns)
    if least == count:
        return granularity(finished)
    return 1 - (shares / count - least / count) / (1 - least / count)


def discernibility(finished: Finished) -> int:
    """Add up, over the rows, how many rows each cannot be told apart from.

    The sum of the squares of the class sizes; a suppressed row counts as many as the source has.

    Args:
        finished: The release beside its source.

    Returns:
        From the number of rows (all different) to its square; less is better.

    Source:
        Bayardo and Agrawal, Data privacy through optimal k-anonymization (ICDE 2005).
    """
    return int((finished.sizes**2).sum()) + finished.suppressed * finished.source.rows


def average_class_size(finished: Finished) -> float:
    """Give the mean number of rows in a class: released rows over classes (ARX's AECS).

    Args:
        finished: The release beside its source.

    Returns:
        At least 1, and 0 when nothing was released.

    Source:
        LeFevre, DeWitt and Ramakrishnan, Mondrian multidimensional k-anonymity (ICDE 2006), before
        they divide it by k. pyCANON's ``average_ecsize`` is this over the smallest class.
    """
    return float(finished.sizes.mean()) if len(finished.sizes) else 0.0


def kl_divergence(finished: Finished) -> float:
    """Measure how far the values' joint distribution, as the release lets it be read, is from the source's.

    The release is read as if the rows of a class were spread evenly over all combinations of values that its
    cells stand for, and a suppressed row over the whole domain: q. With p the source's distribution,
    the sum over its combinations of p log2(p / q).

    Args:
        finished: The release beside its source.

    Returns:
        Bits, 0 (the same distribution) or more.

    Source:
        Kifer and Gehrke, Injecting utility into anonymized datasets (SIGMOD 2006).
    """
    spread = np.ones(len(finished.sizes))
    domain = 1.0
    for column, maps in enumerate(finished.columns):
        spread *= finished.leaves(column)
        domain *= len(maps.groups[0])
    read = np.full(len(finished.source.counts), finished.suppressed / domain)
    density = finished.sizes / spread
    shapes, shape_of = np.unique(finished.levels, axis=0, return_inverse=True)
    for shape, levels in enumerate(shapes.tolist()):
        members = np.flatnonzero(shape_of.ravel() == shape)
        _add_matches(finished, levels, members, density, read)
    share = finished.source.counts / finished.source.rows
    return float(max((share * np.log2(share / (read / finished.source.rows))).sum(), 0.0))


def _add_matches(
    finished: Finished, levels: Sequence[int], members: Ints, density: Floats, read: Floats
) -> None:
    """Add to each combination of the source what the classes of one shape that hold it let be read."""
    sizes = [maps.sizes[level] for maps, level in zip(finished.columns, levels, strict=True)]
    codes = [
        np.concatenate((finished.groups[members, place], maps.groups[level][of_source]))
        for place, (maps, level, of_source) in enumerate(
            zip(finished.columns, levels, finished.source.codes, strict=True)
        )
    ]
    keys = combined_keys(codes, sizes)
    own, wanted = keys[: len(members)], keys[len(members) :]
    order = np.argsort(own, kind="stable")
    places = np.minimum(np.searchsorted(own[order], wanted), len(own) - 1)
    hit = own[order][places] == wanted
    read[hit] += density[members[order]][places[hit]]


def nonuniform_entropy(finished: Finished) -> tuple[float, ...]:
    """Tell how much each column still says about its values, in view of how often they occur.

    A cell that stands for values g loses the entropy of the source's values within g (so that hiding rare
    values loses little), a suppressed row that of the whole column; one minus the mean loss over the
    entropy of the column. For a full-domain release without suppression this is ARX's
    measure; where cells differ within a column it is its expectation, since rows are not matched.

    Args:
        finished: The release beside its source.

    Returns:
        One number per column, 0 (nothing) to 1 (as collected); 1 for a column of one value.

    Source:
        De Waal and Willenborg, Information loss through global recoding and local suppression (1999);
        Prasser, Bild and Kuhn, A generic method for assessing the quality of de-identified health
        data (MIE 2016).
    """
    return tuple(_told(finished, column) for column in range(len(finished.columns)))


def _told(finished: Finished, column: int) -> float:
    maps, source = finished.columns[column], finished.source
    codes, weights = source.codes[column], source.counts.astype(np.float64)
    counts = np.bincount(codes, weights=weights, minlength=len(maps.groups[0])).astype(np.float64)
    most = float(_entropies(np.zeros(len(counts), dtype=np.int64), counts, 1)[0])
    if most == 0:
        return 1.0
    lost = finished.suppressed * most
    for level in np.unique(finished.levels[:, column]).tolist():
        entropies = _entropies(maps.groups[level], counts, maps.sizes[level])
        at = finished.levels[:, column] == level
        lost += float(finished.sizes[at] @ entropies[finished.groups[at, column]])
    return 1 - lost / (source.rows * most)


def _entropies(groups: Ints, counts: Floats, size: int) -> Floats:
    """The entropy of the values in each group, in bits; 0 for a group that no row has."""
    totals = np.bincount(groups, weights=counts, minlength=size)
    seen = counts > 0
    share = counts[seen] / totals[groups[seen]]
    return np.asarray(np.bincount(groups[seen], weights=-share * np.log2(share), minlength=size))


def query_errors(
    finished: Finished, *, queries: int, columns_asked: int, selectivity: float, seed: int
) -> Floats:
    """Ask the release and its source how many rows lie in random ranges, and compare.

    Each query draws columns without repetition and in each a run of values in the order of the hierarchy, so
    long that evenly spread rows would match at the selectivity. A class answers with its rows times the
    share of its cells' values that lie in the runs; suppressed rows do not answer.

    Args:
        finished: The release beside its source.
        queries: How many, at least 1.
        columns_asked: Columns in each query, 1 or more; at most all are taken.
        selectivity: Share of the rows that a query aims at, above 0 and at most 1.
        seed: Of the queries; no randomness protects anybody here.

    Returns:
        The relative error of each query, |answer - truth| / max(truth, rows / 1000).

    Source:
        LeFevre, DeWitt and Ramakrishnan, Workload-aware anonymization (KDD 2006); the bound below as in
        Xiao, Wang and Gehrke, Differential privacy via wavelet transforms (ICDE 2010).
    """
    draw = np.random.default_rng(seed)
    width = min(columns_asked, len(finished.columns))
    part = selectivity ** (1 / width)
    covered = [_covered(finished, column) for column in range(len(finished.columns))]
    errors = np.zeros(queries)
    for number in range(queries):
        truth = finished.source.counts.astype(np.float64)
        answer = finished.sizes.astype(np.float64)
        for column in draw.choice(len(finished.columns), size=width, replace=False).tolist():
            domain = len(finished.columns[column].groups[0])
            length = min(max(round(part * domain), 1), domain)
            start = int(draw.integers(0, domain - length + 1))
            codes = finished.source.codes[column]
            truth = truth * ((codes >= start) & (codes < start + length))
            sums, cell_of = covered[column]
            answer = answer * (sums[:, start + length] - sums[:, start])[cell_of]
        least = max(float(truth.sum()), finished.source.rows / SANITY)
        errors[number] = abs(float(answer.sum()) - float(truth.sum())) / least
    return errors


def _covered(finished: Finished, column: int) -> tuple[Floats, Ints]:
    """Per distinct cell of a column the share of its values before each place, and each class's cell."""
    maps = finished.columns[column]
    cells, cell_of = np.unique(
        np.column_stack((finished.levels[:, column], finished.groups[:, column])),
        axis=0,
        return_inverse=True,
    )
    sums = np.zeros((len(cells), len(maps.groups[0]) + 1))
    for place, (level, group) in enumerate(cells.tolist()):
        inside = maps.groups[level] == group
        sums[place, 1:] = np.cumsum(inside) / inside.sum()
    return sums, cell_of.ravel()
