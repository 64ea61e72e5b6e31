"""Keys found in the data: shown where a noisy count of their people passes a threshold, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.noise import (
    add_gaussian,
    add_laplace,
    gaussian_scale,
    gaussian_threshold,
    l2_bound,
    laplace_scale,
    laplace_threshold,
)
from hedgerow.model.budget import show_chance
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import Fault, Refused
from hedgerow.model.joins import Lookup
from hedgerow.model.plans import (
    AllOf,
    Column,
    Combination,
    IsIn,
    KeyDomain,
    KeySearch,
    Literal,
    Predicate,
)
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_query.price import Price

LEAST = 2
"""Combinations of fewer people are never shown, whatever the noise."""
SHOWN_MOST = 100_000
SHOWN_WITH_CHOICES = 1_000
_NOISE_MOST = 2**62


@dataclass(frozen=True, slots=True)
class Selection:
    """Which combinations of keys are shown: one choice, shared by all statistics of a query.

    Args:
        search: What the engine counts.
        keys: Combinations that one person counts in at most.
        share: Its share of the cost, with the chance of :attr:`delta`.
        scale: Scale of the noise.
        threshold: A combination is shown when its count of people beyond the first, with noise, reaches this.
        most: No more are shown; those of the largest noisy counts are.
    """

    search: KeySearch
    keys: int
    share: Price
    scale: float
    threshold: int
    most: int

    @property
    def delta(self) -> Fraction:
        """The chance that a combination is shown which only one person brings over the least count."""
        return self.share.delta or Fraction(0)

    @property
    def people(self) -> int:
        """The noisy count of people that a combination needs."""
        return self.threshold + self.search.least - 1

    def kept(self, found: Sequence[tuple[Combination, int]]) -> tuple[Combination, ...]:
        """Choose the combinations that are shown.

        Args:
            found: What the engine found: each combination of at least ``search.least`` people once, with its
                exact count.

        Returns:
            The combinations, in the order given.

        Raises:
            Fault: ``dp.bad-aggregate`` when the counts are none; whatever the noise raises. Nothing is told
                then.

        Guarantee: the loss of its share but for a chance of :attr:`delta`. Let x be the people of a
            combination less ``search.least - 1``, or 0. One person changes x by at most 1, in at most
            ``keys`` combinations. Where x is above 0 on both of two neighbours, the noise hides the change.
            Where x is 1 on one and 0 on the other, the other never shows the combination and the one shows
            it with the chance that ``1 + noise >= threshold``; over ``keys`` of them that is at most
            :attr:`delta`.
        Source: Korolova, Kenthapadi, Mishra, Ntoulas 2009, theorem 1; Wilson and others 2020, "Differentially
            private SQL with bounded user contribution", section 4; Desfontaines, Voss, Gipson, Mandayam 2022,
            "Differentially private partition selection", section 2. The chance of its own is that of Bun and
            Steinke 2016, section 8.1.
        """
        counts = [count - (self.search.least - 1) for _, count in found]
        is_sound = all(type(count) is int and count >= 1 for count in counts)
        if not is_sound or len({_typed(keys) for keys, _ in found}) != len(found):
            raise Fault("dp.bad-aggregate")
        noisy = self._noisy(counts)
        passed = [(-count, place) for place, count in enumerate(noisy) if count >= self.threshold]
        shown = sorted(place for _, place in sorted(passed)[: self.most])
        return tuple(found[place][0] for place in shown)

    def _noisy(self, counts: Sequence[int]) -> list[int]:
        if not counts:
            return []
        if self.share.epsilon is not None:
            return add_laplace(counts, self.keys, self.share.epsilon, self.scale)
        return add_gaussian(counts, l2_bound(self.keys), self.share.loss, self.scale)

    def describe(self) -> dict[str, Json]:
        """Explain the selection as plain values."""
        return {
            "what": f"people of each combination of {', '.join(self.search.columns)}, to find keys",
            "step": "1",
            "combinations_of_one_person": self.keys,
            "scale_steps": format(self.scale, ".12g"),
            self.share.name: self.share.text,
            "delta": show_chance(self.delta),
            "threshold_people": self.people,
        }

    @property
    def note(self) -> str:
        """Say what is missing from the answer."""
        return (
            "Keys were found in the data: a combination is shown where the noisy count of its people reaches "
            f"{self.people:,}, and never where it has fewer than {self.search.least}. The others are "
            "missing, so that the rows shown do not add up to all rows."
        )


def _typed(keys: Combination) -> tuple[tuple[type, str | int | bool], ...]:
    return tuple((type(key), key) for key in keys)


def planned_selection(
    keys: Sequence[KeyDomain],
    where: Predicate | None,
    bounds: Contribution,
    share: Price,
    *,
    has_choices: bool,
    lookups: tuple[Lookup, ...] = (),
    times: int = 1,
) -> Selection:
    """Choose noise and threshold before any data.

    Args:
        keys: The grouping columns; those without keys are to be found.
        where: Which rows count.
        bounds: How much of one person counts, joined rows where rows are joined.
        share: The share of the cost, with a delta.
        has_choices: Whether quantiles are asked, which need room in each group.
        lookups: The public tables that rows are joined with.
        times: How many joined rows one row becomes at most.

    Returns:
        The selection.

    Raises:
        Refused: ``dp.too-noisy`` when the scale passes 62 bits.
    """
    most = bounds.groups(None)
    declared = tuple(IsIn(Column(k.column), tuple(map(Literal, k.values))) for k in keys if k.values)
    held = AllOf((*(() if where is None else (where,)), *declared)) if declared else where
    max_groups = most if most < bounds.max_rows else None
    names, max_rows = tuple(key.column for key in keys), bounds.max_rows // times
    search = KeySearch(names, held, max_rows, max_groups, LEAST, lookups)
    delta = share.delta or Fraction(0)
    if share.epsilon is not None:
        scale, threshold = laplace_scale(most, share.epsilon), laplace_threshold
    else:
        scale, threshold = gaussian_scale(l2_bound(most), share.loss), gaussian_threshold
    if not scale * 50 < _NOISE_MOST:
        raise Refused("dp.too-noisy")
    shown = SHOWN_WITH_CHOICES if has_choices else SHOWN_MOST
    return Selection(search, most, share, scale, threshold(scale, most, delta), shown)
