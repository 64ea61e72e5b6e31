"""What is declared beforehand: bounds, classes, sizes; checked before a value is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.budget import checked_epsilon
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train.paying import Wish

Floats = npt.NDArray[np.float64]
Exact = str | float | Decimal | Fraction
FEATURES_MOST = 100_000
# No bound lies farther out: squares of twice as much are still numbers.
WIDEST = 1e150


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """How features become numbers of a norm of about 1, from declared bounds alone.

    Args:
        lower: Lower bound of each feature.
        upper: Upper bound of each feature.
        offset: What is taken off each: 0 where the bounds hold 0, else their middle.
        reach: How far each gets from its offset.
        row_norm: The L2 norm that a scaled row with its constant reaches.
    """

    lower: Floats
    upper: Floats
    offset: Floats
    reach: Floats
    row_norm: float

    def scaled(self, features: Floats) -> Floats:
        """Scale rows and append the constant.

        Args:
            features: Shape ``(rows, features)``, finite.

        Returns:
            Shape ``(rows, features + 1)``, clamped to the bounds; a row's norm is at most about 1.
        """
        made = np.empty((len(features), len(self.offset) + 1))
        np.clip(features, self.lower, self.upper, out=made[:, :-1])
        made[:, :-1] -= self.offset
        made[:, :-1] /= self.reach * self.row_norm
        made[:, -1] = 1 / self.row_norm
        return made

    def unscaled(self, weights: Floats) -> tuple[Floats, Floats]:
        """Turn weights of scaled rows into those of the features as they came.

        Args:
            weights: Shape ``(outputs, features + 1)``.

        Returns:
            Coefficients ``(outputs, features)`` and intercepts ``(outputs,)``.
        """
        coefficients = weights[:, :-1] / (self.reach * self.row_norm)
        return coefficients, weights[:, -1] / self.row_norm - coefficients @ self.offset


def scaling(bounds: object, columns: Sequence[str] | None, width: int, row_norm: object) -> Scaling:
    """Read declared bounds.

    Args:
        bounds: One pair for all features, one pair for each, or a mapping from names to pairs.
        columns: The names of the features, where they have names.
        width: How many features there are.
        row_norm: The norm that a scaled row reaches; none for the most that the bounds allow.

    Returns:
        The scaling.

    Raises:
        Refused: ``learn.undeclared`` or ``learn.too-large``.
        CallerError: ``learn.bad-parameter``.
    """
    lower, upper = bound_pairs(bounds, columns, width).T
    offset = np.where((lower <= 0) & (upper >= 0), 0.0, (lower + upper) / 2)
    reach = np.maximum(upper - offset, offset - lower)
    reach = np.where(reach > 0, reach, 1.0)
    most = math.sqrt(width + 1)
    norm = most if row_norm is None else max(1.0, positive(row_norm, "row_norm"))
    return Scaling(lower, upper, offset, reach, min(norm, most))


def bound_pairs(bounds: object, columns: Sequence[str] | None, width: int) -> Floats:
    """Read declared bounds as pairs.

    Args:
        bounds: One pair for all features, one pair for each, or a mapping from names to pairs.
        columns: The names of the features, where they have names.
        width: How many features there are.

    Returns:
        Lower and upper bounds, shape ``(width, 2)``.

    Raises:
        Refused: ``learn.undeclared`` or ``learn.too-large``.
        CallerError: ``learn.bad-parameter``.
    """
    if width > FEATURES_MOST:
        raise Refused("learn.too-large", what="features", number=f"{width:,}", most=f"{FEATURES_MOST:,}")
    if bounds is None:
        raise Refused("learn.undeclared", missing="bounds")
    wrong = CallerError(
        "learn.bad-parameter",
        parameter="bounds",
        advice="Give (LOWER, UPPER) for all features, a list with a pair for each, or a pair by column name.",
    )
    try:
        if isinstance(bounds, dict):
            bounds = [bounds[name] for name in columns or ()]
        pairs = np.array(bounds, dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        raise wrong from None
    pairs = np.broadcast_to(pairs, (width, 2)) if pairs.shape == (2,) else pairs
    if pairs.shape != (width, 2) or not np.isfinite(pairs).all() or (pairs[:, 0] > pairs[:, 1]).any():
        raise wrong
    if np.abs(pairs).max(initial=0) > WIDEST:
        raise wrong
    return pairs


def declared_classes(classes: object) -> npt.NDArray[np.generic]:
    """Read the declared classes.

    Args:
        classes: Every value that y may take, numbers or texts, at least two.

    Returns:
        The classes, in order, each once.

    Raises:
        Refused: ``learn.undeclared``.
        CallerError: ``learn.bad-parameter`` for fewer than two.
    """
    if classes is None:
        raise Refused("learn.undeclared", missing="classes")
    try:
        known = np.unique(np.asarray(classes))
    except (TypeError, ValueError):
        known = np.array([])
    if known.ndim != 1 or len(known) < 2 or known.dtype.kind not in "biufU":  # noqa: PLR2004 - two classes
        advice = "Give every value that y may take, at least two, as in classes=[0, 1]."
        raise CallerError("learn.bad-parameter", parameter="classes", advice=advice)
    return known


def outputs_of(classes: npt.NDArray[np.generic]) -> int:
    """Tell how many outputs a classifier has: two classes need one.

    Args:
        classes: The declared classes.

    Returns:
        1, or how many classes there are.
    """
    return 1 if len(classes) == 2 else len(classes)  # noqa: PLR2004 - two classes


def positive(value: object, name: str, most: float = math.inf) -> float:
    """Read a number above 0.

    Args:
        value: What was given.
        name: The parameter.
        most: The largest that is taken.

    Returns:
        It.

    Raises:
        CallerError: ``learn.bad-parameter``.
    """
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    number = float(value) if is_number else math.nan  # type: ignore[arg-type]
    if not 0 < number <= most or math.isinf(number):
        advice = f"Give a number above 0{'' if math.isinf(most) else f', at most {most:g}'}."
        raise CallerError("learn.bad-parameter", parameter=name, advice=advice)
    return number


def whole(value: object, name: str, most: int) -> int:
    """Read a whole number from 1.

    Args:
        value: What was given.
        name: The parameter.
        most: The largest that is taken.

    Returns:
        It.

    Raises:
        CallerError: ``learn.bad-parameter``.
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or not 1 <= int(value) <= most:  # type: ignore[call-overload]
        advice = f"Give a whole number from 1 to {most:,}."
        raise CallerError("learn.bad-parameter", parameter=name, advice=advice)
    return int(value)  # type: ignore[call-overload, no-any-return]


def public_people(value: object, most: int) -> int:
    """Read the public number of people.

    Args:
        value: What was given.
        most: The largest that is taken.

    Returns:
        It.

    Raises:
        Refused: ``learn.undeclared`` when there is none: it is never counted in the data.
        CallerError: ``learn.bad-parameter``.
    """
    if value is None:
        raise Refused("learn.undeclared", missing="n_public")
    return whole(value, "n_public", most)


def wish_of(epsilon: Exact | None, delta: Exact | None) -> Wish:
    """Read what a run may cost.

    Args:
        epsilon: Its privacy loss.
        delta: The chance of a larger one.

    Returns:
        Both, exact.

    Raises:
        Refused: ``learn.undeclared`` when one is missing: neither has a default.
        CallerError: ``budget.not-a-number`` when epsilon is not in range; ``learn.bad-parameter`` for delta.
    """
    if epsilon is None:
        raise Refused("learn.undeclared", missing="epsilon")
    if delta is None:
        raise Refused("learn.undeclared", missing="delta")
    loss = checked_epsilon(epsilon)
    advice = "Give one above 0 and far below 1 over the number of people, such as 1e-6."
    try:
        chance = checked_epsilon(delta, "delta")
    except CallerError:
        raise CallerError("learn.bad-parameter", parameter="delta", advice=advice) from None
    if chance >= Fraction(1, 2):
        raise CallerError("learn.bad-parameter", parameter="delta", advice=advice)
    return Wish(loss, chance)


def checked_budget(budget: object) -> Budget:
    """Read the budget.

    Args:
        budget: What a run is taken from.

    Returns:
        It.

    Raises:
        Refused: ``learn.undeclared`` when there is none.
        CallerError: ``learn.bad-parameter`` when it is no budget.
    """
    if budget is None:
        raise Refused("learn.undeclared", missing="budget")
    if not isinstance(budget, Budget):
        advice = 'Give one of hedgerow.dp.Budget.of("2", "1e-6").'
        raise CallerError("learn.bad-parameter", parameter="budget", advice=advice)
    return budget


def unseeded(random_state: object) -> None:
    """Refuse a seed.

    Args:
        random_state: What was given.

    Raises:
        Refused: ``learn.seeded`` for anything but none.
    """
    if random_state is not None:
        raise Refused("learn.seeded")
