"""A private neural network of one hidden layer: exact, bounded sums of gradients, clipped by closed form.

The gradient of a layer is the product of what goes in and what comes back. So its norm is a product of
two, and no gradient of one row is ever made. All that goes in or comes back is whole, as sums.py explains:
what one person adds depends on that person's rows and the released weights alone, to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.chances import chance_steps, wanted_steps
from hedgerow.techniques.dp_train.descent import Descent, SteppedEstimator, go_down, noisy_mean, planned
from hedgerow.techniques.dp_train.estimators import Classifier
from hedgerow.techniques.dp_train.paying import Noise, spending
from hedgerow.techniques.dp_train.sums import (
    FEATURE_UNIT,
    WEIGHT_UNIT,
    Rows,
    cut,
    cut_products,
    scores,
    whole_rows,
    whole_weights,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_HIDDEN_MOST = 1_024
# Hidden values reach from 0 to 4 over the root of the width: with the constant their norm is below 8.
_HIDDEN_REACH = 4
# So weights of up to 2**30 units, 1,024, make scores below 2**53.
_OUT_MOST = 2.0**30


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The weights of a network.

    Args:
        inner: From scaled rows to hidden values, shape ``(hidden, features + 1)``.
        outer: From hidden values and a constant to scores, shape ``(outputs, hidden + 1)``.
    """

    inner: Floats
    outer: Floats

    @property
    def flat(self) -> Floats:
        """All weights in a row."""
        return np.append(self.inner.ravel(), self.outer.ravel())

    def shaped(self, flat: Floats) -> Layers:
        """Shape a row of weights like these.

        Args:
            flat: As many as there are here.

        Returns:
            Layers of the same shapes.
        """
        inner, outer = flat[: self.inner.size], flat[self.inner.size :]
        return Layers(inner.reshape(self.inner.shape), outer.reshape(self.outer.shape))


@dataclass(kw_only=True, eq=False, repr=False)
class DPMLPClassifier(SteppedEstimator, Classifier):
    """A neural network of one hidden layer, differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``row_norm``, ``classes`` and ``budget``, and what
    :class:`~hedgerow.techniques.dp_train.descent.SteppedEstimator` names: ``n_public``, ``clip``,
    ``step_size`` (none for 20 where all are seen, 4 with batches), ``momentum``, ``batch_size``, ``epochs``.

    Args:
        steps: Steps of a run that sees everybody each time.
        hidden: How many hidden values there are; each is the positive part of a sum, up to a bound.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Abadi et al. 2016, "Deep learning with differential privacy"; norms in closed form after
        Goodfellow 2015, "Efficient per-example gradient computations".
    """

    USUAL: ClassVar[tuple[float, float]] = (20, 4)
    steps: int = 120
    hidden: int = 64

    def fit(self, X: Any, y: Any, person: Any = None) -> DPMLPClassifier:  # noqa: ANN401, N803 - sklearn's
        """Train on a table, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The class of each row, one of the declared.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``layers_``, ``classes_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        wish, budget = self._checked_terms()
        classes, descent = declared.declared_classes(self.classes), self._descent()
        features, names, scale = self._read(X)
        places = arrays.labels(y, len(features), classes)
        owners = arrays.people(person, len(features))
        noise = self.planned(features.shape[1])
        rows, order = whole_rows(scale.scaled(features), owners)
        with spending(self, budget, wish, noise):
            wanted = wanted_steps(places[order], len(classes))
            start = drawn_layers(features.shape[1] + 1, self.hidden, wanted.shape[1])
            self.layers_ = trained_layers(rows, wanted, start, descent, noise)
            self._scale, self.classes_ = scale, classes
            self._note_columns(features, names)
            self.n_iter_ = descent.steps
        return self

    def planned(self, width: int) -> Noise:
        """Plan the noise of a run, which tells what it costs; no data is needed.

        Args:
            width: How many features there are.

        Returns:
            The noise of each step.

        Raises:
            Refused: As :meth:`fit`.
            CallerError: As :meth:`fit`.
        """
        hidden = declared.whole(self.hidden, "hidden", _HIDDEN_MOST)
        outputs = declared.outputs_of(declared.declared_classes(self.classes))
        return planned(self._wish(), self._descent(), hidden * (width + 1) + outputs * (hidden + 1))

    def _scored(self, features: Floats) -> Floats:
        rows, _ = whole_rows(self._scale.scaled(features), None)
        outer = whole_weights(self.layers_.outer, _OUT_MOST)
        return hidden_values(rows, self.layers_) @ outer.T / (FEATURE_UNIT * WEIGHT_UNIT)


def drawn_layers(width: int, hidden: int, outputs: int) -> Layers:
    """Draw where training begins, by chance alone.

    Args:
        width: How many features a scaled row has, with its constant.
        hidden: How many hidden values there are.
        outputs: How many outputs.

    Returns:
        The layers.

    Source: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers", for rows of a norm of 1.
    """
    chance, sizes = SystemRandom(), (hidden * width, outputs * (hidden + 1))
    drawn = [np.array([chance.gauss(0, 1) for _ in range(size)]) for size in sizes]
    return Layers(math.sqrt(2) * drawn[0].reshape(hidden, width), drawn[1].reshape(outputs, hidden + 1))


def trained_layers(rows: Rows, wanted: Floats, start: Layers, descent: Descent, noise: Noise) -> Layers:
    """Go down by steps, privately.

    Args:
        rows: Everybody's rows.
        wanted: The chance of each output that each row asks for: 0 or 1, in units of 2**-12.
        start: Where to begin.
        descent: How the run goes.
        noise: The noise of a step.

    Returns:
        The mean of the last half of the steps.
    """

    def gradient(flat: Floats) -> Floats:
        layers = start.shaped(flat)
        return noisy_mean(
            rows,
            wanted,
            lambda some, theirs: exact_gradients(some, theirs, layers, descent.bound),
            descent,
            noise,
        )

    return start.shaped(go_down(start.flat, gradient, descent))


def hidden_values(rows: Rows, layers: Layers) -> Floats:
    """Compute what the hidden layer tells of rows, exactly, with a constant at the end.

    Args:
        rows: The features.
        layers: The weights.

    Returns:
        Whole numbers in units of 2**-16 from 0 to 4 over the root of the width, shape ``(rows, hidden + 1)``.
    """
    hidden = len(layers.inner)
    made = np.empty((rows.count, hidden + 1))
    inside = made[:, :-1]
    np.multiply(scores(rows, layers.inner), 1 / (WEIGHT_UNIT * math.sqrt(hidden)), out=inside)
    np.floor(inside, out=inside)
    np.minimum(np.maximum(inside, 0, out=inside), reach_of(hidden), out=inside)
    made[:, -1] = FEATURE_UNIT
    return made


def reach_of(hidden: int) -> int:
    """Tell how large a hidden value gets.

    Args:
        hidden: How many there are.

    Returns:
        The most, in units of 2**-16.
    """
    return int(_HIDDEN_REACH * FEATURE_UNIT / math.sqrt(hidden))


def exact_gradients(rows: Rows, wanted: Floats, layers: Layers, bound: int) -> Integers:
    """Add up everybody's bounded share of both gradients; no noise is in it, so it stays inside.

    Args:
        rows: Everybody's rows.
        wanted: The chance of each output that each row asks for: 0 or 1, in units of 2**-12.
        layers: Where the gradient is taken.
        bound: What one person adds to both layers together, in L2.

    Returns:
        Whole numbers in units of 2**-28, as ``Layers.flat`` orders them.

    Guarantee: adding or removing a person changes the result by at most ``bound`` in L2.
    """
    values = hidden_values(rows, layers)
    weights, inside = whole_weights(layers.outer, _OUT_MOST), values[:, :-1]
    outer = chance_steps(values @ weights.T) - wanted
    inner = outer @ weights[:, :-1]
    inner *= 1 / (WEIGHT_UNIT * math.sqrt(len(layers.inner)))
    np.floor(inner, out=inner)
    inner *= (inside > 0) & (inside < reach_of(len(layers.inner)))
    return _summed(rows, values, inner, outer, bound)


def _summed(rows: Rows, values: Floats, inner: Floats, outer: Floats, bound: int) -> Integers:
    alone = slice(0, rows.alone)
    squares = np.einsum("ij,ij->i", values[alone], values[alone])
    kept_inner, kept_outer = cut_products(
        [(inner[alone], rows.squares[alone]), (outer[alone], squares)], bound
    )
    total = np.append((kept_inner.T @ rows.features[alone]).ravel(), (kept_outer.T @ values[alone]).ravel())
    for part, starts in rows.blocks(len(total)):
        first = inner[part][:, :, None] * rows.features[part][:, None, :]
        second = outer[part][:, :, None] * values[part][:, None, :]
        count = part.stop - part.start
        products = np.hstack([first.reshape(count, -1), second.reshape(count, -1)])
        total += cut(np.add.reduceat(products, starts, axis=0), bound).sum(axis=0)
    return total.astype(np.int64)
