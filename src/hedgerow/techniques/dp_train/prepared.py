"""Leased rows as numbers: each by declarations and by itself, bounded for each person; no value lets it fail.

A row whose target is missing or was not declared is left out. Of what is left a person's first rows count,
as many as declared. One row of nobody, all of it missing, stands in every table: so a table in which nobody
is left trains as any other does, and no error tells that nobody is. What is trained with it is the same
function of people's rows for every table, so it takes nothing from the guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.noise.sampling import poisson_sample
from hedgerow.model.engine import PERSON, ArrowTable
from hedgerow.techniques.dp_train.inputs import Inputs, Target

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
HELD_OUT = Fraction(1, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows that count.

    Args:
        features: Shape ``(rows, features)``, finite.
        aims: The place of each row's class, or its number; zeros where nothing is predicted.
        owners: Whose each row is: 0 to ``people - 1``, in no order that means anything.
        people: How many people there are; exact, so it stays inside.
    """

    features: Floats
    aims: npt.NDArray[np.generic]
    owners: Integers
    people: int

    def of(self, is_in: npt.NDArray[np.bool_]) -> Prepared:
        """Take the rows of some people.

        Args:
            is_in: For each person whether their rows are taken.

        Returns:
            Their rows, numbered anew.
        """
        numbers = np.cumsum(is_in) - 1
        rows = is_in[self.owners] if len(self.owners) else np.zeros(0, dtype=bool)
        owners = numbers[self.owners[rows]].astype(np.int64)
        return Prepared(self.features[rows], self.aims[rows], owners, int(np.count_nonzero(is_in)))

    def parted(self) -> tuple[Prepared, Prepared]:
        """Part people by chance, each alone, with the operating system's randomness.

        Returns:
            Those to train on, and about a fifth to be held out.
        """
        is_held = np.zeros(self.people, dtype=bool)
        is_held[poisson_sample(self.people, _drawn(HELD_OUT))] = True
        return self.of(~is_held), self.of(is_held)

    def first_rows(self) -> Prepared:
        """Keep the first row of each person.

        Returns:
            As many rows as people.
        """
        _, first = np.unique(self.owners, return_index=True)
        return Prepared(self.features[first], self.aims[first], self.owners[first], self.people)

    def with_nobody(self, target: Target | None) -> Prepared:
        """Add the row of nobody.

        Args:
            target: What is predicted.

        Returns:
            The rows with one more, of a person with a number of its own.
        """
        aim = np.zeros(1, dtype=self.aims.dtype)
        if target is not None and target.clamp is not None:
            aim[:] = float((target.clamp.lower + target.clamp.upper) / 2)
        return Prepared(
            np.vstack([self.features, np.zeros((1, self.features.shape[1]))]),
            np.concatenate([self.aims, aim]),
            np.append(self.owners, self.people),
            self.people + 1,
        )


def _drawn(share: Fraction) -> Fraction:
    """Round a chance down to what a sample is drawn with."""
    return Fraction(int(share * 2**32), 2**32)


def prepare(table: ArrowTable, inputs: Inputs) -> Prepared:
    """Turn leased rows into numbers.

    Args:
        table: The rows with whose each is.
        inputs: What is read, by declaration.

    Returns:
        The rows that count.

    Guarantee: what is kept of a person depends on that person's rows, and their order, alone.
    """
    owners = np.asarray(table[PERSON].to_numpy(), dtype=np.int64)
    aims, is_known = _aims(table, inputs.target)
    kept = np.flatnonzero(is_known)
    kept = kept[_is_within(owners[kept], inputs.max_rows)]
    rows = cleaned(table.take(kept), inputs)
    numbers = np.unique(owners[kept], return_inverse=True)[1].astype(np.int64)
    people = int(numbers.max()) + 1 if len(numbers) else 0
    features = inputs.encoder.features(rows) if len(kept) else np.zeros((0, inputs.width))
    return Prepared(features, aims[kept], numbers, people)


def _is_within(owners: Integers, most: int) -> npt.NDArray[np.bool_]:
    """Tell which rows are among the first of their person."""
    order = np.argsort(owners, kind="stable")
    ordered = owners[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1]) if len(ordered) else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(is_first)
    ranks = np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))
    is_kept = np.zeros(len(ordered), dtype=bool)
    is_kept[order] = ranks < most
    return is_kept


def _aims(table: ArrowTable, target: Target | None) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]:
    if target is None:
        return np.zeros(table.num_rows, dtype=np.int64), np.ones(table.num_rows, dtype=bool)
    column = table[target.column]
    if target.clamp is None:
        places: dict[object, int] = {label: place for place, label in enumerate(target.classes)}
        values = typed(column.to_pylist(), target.classes)
        found = np.array([places.get(value, -1) for value in values], dtype=np.int64)
        return found, found >= 0
    numbers = floats(column.to_pylist())
    return np.nan_to_num(numbers), np.isfinite(numbers)


def cleaned(table: ArrowTable, inputs: Inputs) -> pa.Table:
    """Bring columns to the types that were declared; what does not fit counts as missing.

    Args:
        table: The rows.
        inputs: What is read.

    Returns:
        A table of the columns that are read, which encodes without an error.
    """
    import pyarrow as pa

    hot = {d.column: _array(typed(table[d.column].to_pylist(), d.values)) for d in inputs.categories}
    plain: dict[str, pa.Array] = {}
    for name, _ in inputs.numbers:
        found = floats(table[name].to_pylist())
        plain[name] = pa.array(np.where(np.isfinite(found), found, np.nan), type=pa.float64())
    return pa.table(hot | plain)


def _array(values: list[object]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values) if any(value is not None for value in values) else pa.nulls(len(values))


def typed(values: list[object], known: tuple[object, ...]) -> list[object]:
    """Take values as those of the known that they are, and none for all others.

    Args:
        values: As they were read.
        known: Texts, whole numbers or truths.

    Returns:
        For each the known one, or none. Dates, which are declared as text, are known by their text; whole
        numbers and truths also where a file holds them as text.
    """
    if not known or isinstance(known[0], str):
        places = set(known)
        texts = (value if isinstance(value, str) or value is None else str(value) for value in values)
        return [text if text in places else None for text in texts]
    same: dict[object, object] = {(type(value), value): value for value in known}
    written: dict[str, object] = {str(value).lower(): value for value in known}
    return [
        written.get(value.strip().lower()) if isinstance(value, str) else same.get((type(value), value))
        for value in values
    ]


def floats(values: list[object]) -> Floats:
    """Take values as floats; what is none, or is missing, is NaN.

    Args:
        values: As they were read.

    Returns:
        One for each.
    """
    try:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")
