"""From columns to features by what is declared beforehand: categories, edges of bins, bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_train.arrays import UnreadableError
from hedgerow.techniques.dp_train.cells import Group

Floats = npt.NDArray[np.float64]


class PublicEncoder:
    """Turns columns of a data frame into features between -1 and 1; it learns nothing from data.

    Args:
        categories: For a column of categories, every one that is known of; one feature each. A row with
            another value, or none, has none of them.
        bins: For a column of numbers, the edges between bins, ascending; one feature for each bin. A value
            that is missing has none of them.
        numbers: For a column of numbers that is used as it is, its lower and upper bound: values are clamped
            and scaled to -1 .. 1; one that is missing becomes the middle.

    Raises:
        CallerError: ``learn.bad-parameter`` when a declaration is malformed or a column stands in two.
    """

    def __init__(
        self,
        *,
        categories: Mapping[str, Sequence[object]] | None = None,
        bins: Mapping[str, Sequence[float]] | None = None,
        numbers: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        for told in (categories, bins, numbers):
            _check_listed(told)
        try:
            self.categories = {name: tuple(values) for name, values in (categories or {}).items()}
            self.bins = {name: tuple(map(float, edges)) for name, edges in (bins or {}).items()}
            self.numbers = {name: (float(low), float(high)) for name, (low, high) in (numbers or {}).items()}
            self._check()
        except (TypeError, ValueError):
            raise _wrong(
                "Give categories that can be told apart, edges and bounds that are numbers."
            ) from None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.categories, *self.bins, *self.numbers)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The bounds of each feature, for an estimator."""
        hot = sum(map(len, self.categories.values())) + sum(len(edges) + 1 for edges in self.bins.values())
        return ((0.0, 1.0),) * hot + ((-1.0, 1.0),) * len(self.numbers)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Which features are marks of one column, for an estimator of trees."""
        hot = [Group(len(values)) for values in self.categories.values()]
        binned = [Group(len(edges) + 1, is_ordered=True) for edges in self.bins.values()]
        return (*hot, *binned, *[Group(1, is_ordered=True)] * len(self.numbers))

    @property
    def row_norm(self) -> float:
        """The most that the norm of a row with its constant reaches: each column adds at most 1."""
        return sqrt(1 + len(self.columns))

    def features(self, frame: Any) -> Floats:  # noqa: ANN401 - data frames of several libraries
        """Encode a data frame.

        Args:
            frame: An Arrow table, or a Polars or pandas data frame; other columns are not read.

        Returns:
            Shape ``(rows, features)``.

        Raises:
            CallerError: ``learn.bad-shape`` when it is no frame or lacks a column; ``learn.not-numbers`` when
                one that was declared as numbers holds something else.
        """
        import narwhals as nw

        try:
            table = nw.from_native(frame, eager_only=True)
        except (TypeError, ValueError, nw.exceptions.NarwhalsError):
            raise UnreadableError("learn.bad-shape", name="X", problem="it is no data frame") from None
        missing = [name for name in self.columns if name not in table.columns]
        if missing:
            raise UnreadableError("learn.bad-shape", name="X", problem=f"it has no column {missing[0]}")
        hot = [_hot(table[name].to_list(), values) for name, values in self.categories.items()]
        binned = [_binned(_floats(table[name].to_list()), edges) for name, edges in self.bins.items()]
        plain = [_scaled(_floats(table[name].to_list()), pair) for name, pair in self.numbers.items()]
        return np.hstack([*hot, *binned, *plain])

    def _check(self) -> None:
        wrong = None
        if not self.columns or len(set(self.columns)) != len(self.columns):
            wrong = "Declare at least one column, and each in one way."
        if any(len(values) != len(set(values)) or not values for values in self.categories.values()):
            wrong = "Give each category once."
        if any(
            list(edges) != sorted(set(edges)) or not all(map(isfinite, edges)) for edges in self.bins.values()
        ):
            wrong = "Give the edges of bins in ascending order, each once."
        if any(not (isfinite(low) and isfinite(high) and low < high) for low, high in self.numbers.values()):
            wrong = "Give (LOWER, UPPER) with LOWER below UPPER."
        if wrong:
            raise _wrong(wrong)


def _wrong(advice: str) -> CallerError:
    return CallerError("learn.bad-parameter", parameter="What was declared for encoding", advice=advice)


def _check_listed(told: object) -> None:
    """Refuse a text where several values are meant: its letters are none of them."""
    if told is None:
        return
    if not isinstance(told, Mapping) or any(isinstance(each, str | bytes) for each in told.values()):
        raise _wrong('Give a list for each column, such as categories={"ward": ["A", "B"]}.')


def _hot(values: Sequence[object], categories: Sequence[object]) -> Floats:
    place = {category: at for at, category in enumerate(categories)}
    found = np.array([place.get(value, -1) for value in values], dtype=np.int64)
    return _marked(found, len(categories))


def _binned(values: Floats, edges: Sequence[float]) -> Floats:
    found = np.searchsorted(np.array(edges), values, side="right")
    return _marked(np.where(np.isnan(values), -1, found), len(edges) + 1)


def _scaled(values: Floats, pair: tuple[float, float]) -> Floats:
    low, high = pair
    middle, half = (low + high) / 2, (high - low) / 2
    return np.where(np.isnan(values), 0.0, np.clip((values - middle) / half, -1, 1))[:, None]


def _marked(places: npt.NDArray[np.int64], count: int) -> Floats:
    made = np.zeros((len(places), count))
    known = np.flatnonzero(places >= 0)
    made[known, places[known]] = 1
    return made


def _floats(values: Sequence[object]) -> Floats:
    try:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except (TypeError, ValueError):
        raise UnreadableError("learn.not-numbers", name="X", problem="a column of text") from None
