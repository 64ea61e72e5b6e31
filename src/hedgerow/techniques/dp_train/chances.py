"""Chances of classes from scores: by whole numbers and tables while training, in floats when predicting.

A table gives every row of one score the same chance, whatever vector instructions a machine has and
wherever the row stands; an exponential function of an array need not.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train.sums import FEATURE_UNIT, RESIDUAL_UNIT, WEIGHT_UNIT

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TWO = 2
_FINE = 1024
_FARTHEST = 16
_EDGE = _FINE * _FARTHEST
_POWER_UNIT = 2**30


def wanted_steps(places: Integers, classes: int) -> Floats:
    """Tell the chances that rows ask for.

    Args:
        places: The place of each row's class.
        classes: How many classes there are.

    Returns:
        0 or 1 in units of 2**-12, shape ``(rows, 1)`` for two classes, that of the second; else
        ``(rows, classes)``.
    """
    if classes == _TWO:
        return (places[:, None] * RESIDUAL_UNIT).astype(np.float64)
    return np.eye(classes, dtype=np.float64)[places] * RESIDUAL_UNIT


def chance_steps(scores: Floats) -> Floats:
    """Turn exact scores into chances, exactly.

    Args:
        scores: Whole numbers in units of 2**-36, shape ``(rows, outputs)``.

    Returns:
        Whole numbers in units of 2**-12, same shape.
    """
    steps = scores / (FEATURE_UNIT * WEIGHT_UNIT // _FINE)
    if scores.shape[1] == 1:
        index = np.clip(np.floor(steps), -_EDGE, _EDGE - 1).astype(np.int64)
        return _logistic_table()[index + _EDGE]
    behind = steps.max(axis=1, keepdims=True) - steps
    powers = _power_table()[np.minimum(np.floor(behind), _EDGE).astype(np.int64)]
    made: Floats = (powers * RESIDUAL_UNIT // powers.sum(axis=1, keepdims=True)).astype(np.float64)
    return made


def chances_of(scores: Floats) -> Floats:
    """Turn scores into chances, without overflow.

    Args:
        scores: Shape ``(rows, outputs)``.

    Returns:
        Chances, same shape.
    """
    if scores.shape[1] == 1:
        return 0.5 * (1 + np.tanh(scores / 2))
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _logistic_table() -> Floats:
    """List the logistic function in the middle of each step from -16 to 16."""
    middles = (np.arange(-_EDGE, _EDGE) + 0.5) / _FINE
    return np.rint(RESIDUAL_UNIT / (1 + np.exp(-middles)))


@lru_cache(maxsize=1)
def _power_table() -> Integers:
    """List ``exp(-x)`` at each step from 0 to 16."""
    powers: Integers = np.rint(_POWER_UNIT * np.exp(-np.arange(_EDGE + 1) / _FINE)).astype(np.int64)
    return powers
