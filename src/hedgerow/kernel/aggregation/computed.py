"""What an expression on columns is in each row: whole numbers, column by column."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hedgerow.model.errors import Fault
from hedgerow.model.expressions import (
    Cases,
    Expression,
    Extreme,
    Filled,
    Floor,
    Plus,
    Steps,
    Times,
    Whole,
    is_safe,
)
from hedgerow.model.plans import Predicate, SumValues

Mask = npt.NDArray[np.bool_]
Held = tuple[npt.NDArray[np.int64], Mask]
"""A whole number for each row, and whether there is one; 0 where there is none."""
DIGITS = 18


class Evaluator:
    """Works expressions out over the rows of one table.

    Args:
        rows: How many rows there are.
        steps: Reads a column in fixed point.
        holds: Tells in which rows a condition holds.
    """

    def __init__(
        self, rows: int, steps: Callable[[SumValues], Held], holds: Callable[[Predicate], Mask]
    ) -> None:
        self._rows = rows
        self._read = steps
        self._holds = holds

    def value(self, expression: Expression) -> Held:
        """Work an expression out.

        Args:
            expression: Any expression.

        Returns:
            Its value in each row.

        Raises:
            Fault: ``dp.sum-overflow`` when a value could pass what 64 bits hold; decided by its bounds alone.
        """
        if not is_safe(expression):
            raise Fault("dp.sum-overflow")
        return self._value(expression)

    def _value(self, expression: Expression) -> Held:
        match expression:
            case Steps(values=values):
                found, has_value = self._read(values)
                return _kept(found, has_value)
            case Whole(value=value):
                constant = np.full(self._rows, 0 if value is None else value, dtype=np.int64)
                return constant, np.full(self._rows, value is not None)
            case Plus(left=left, right=right):
                return self._both(np.add, (left, right))
            case Times(left=left, right=right):
                return self._both(np.multiply, (left, right))
            case Floor(inner=inner, divisor=divisor):
                found, has_value = self._value(inner)
                return found // divisor, has_value
            case Extreme(parts=parts, is_greatest=is_greatest):
                return self._both(np.maximum if is_greatest else np.minimum, parts)
            case Filled(inner=inner, constant=constant):
                found, has_value = self._value(inner)
                return np.where(has_value, found, constant), np.ones(self._rows, dtype=np.bool_)
            case Cases():
                return self._cases(expression)

    def _both(self, combine: np.ufunc, parts: tuple[Expression, ...]) -> Held:
        held = [self._value(part) for part in parts]
        has_value: Mask = reduce(np.logical_and, (there for _, there in held))
        return _kept(reduce(combine, (found for found, _ in held)), has_value)

    def _cases(self, expression: Cases) -> Held:
        found, has_value = self._value(expression.otherwise)
        for condition, branch in reversed(expression.branches):
            is_met = self._holds(condition)
            chosen, is_there = self._value(branch)
            found, has_value = np.where(is_met, chosen, found), np.where(is_met, is_there, has_value)
        return found, has_value


def _kept(found: npt.NDArray[np.int64], has_value: Mask) -> Held:
    return np.where(has_value, found, 0), has_value


def decimals(held: Held, digits: int) -> pa.Array:
    """Make a column of exact decimals.

    Args:
        held: Steps of each row.
        digits: A step is ``10**-digits``.

    Returns:
        Whole numbers, or decimals of 18 digits.
    """
    found, has_value = held
    whole = pa.array(found, mask=~has_value)
    if digits == 0:
        return whole
    halves = np.stack([found, found >> 63], axis=1)  # 128 bits, low half first
    return pa.Array.from_buffers(
        pa.decimal128(DIGITS, digits), len(found), [whole.buffers()[0], pa.py_buffer(halves.tobytes())]
    )
