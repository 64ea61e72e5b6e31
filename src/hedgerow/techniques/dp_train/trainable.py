"""The models that can be trained by name: how each is made, what it keeps, how it is made again of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.answers import GOVERNED
from hedgerow.model.budget import Limit
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_train.linear import DPLinearRegression
from hedgerow.techniques.dp_train.logistic import DPLogisticRegression
from hedgerow.techniques.dp_train.paying import Noise, Quote, QuotedError, Wish
from hedgerow.techniques.dp_train.protocol import Estimator

if TYPE_CHECKING:
    from hedgerow.techniques.dp_train.inputs import Inputs

Floats = npt.NDArray[np.float64]
Settings = Mapping[str, Any]
E = TypeVar("E", bound=Estimator)
# The ledger has admitted the run; the estimator's own budget holds whatever it is.
UNBOUND = Limit(Fraction(1_000_000), Fraction(1, 4))


class Trained(Protocol):
    """An estimator, as far as a governed run knows it."""

    budget_: Budget

    def fit(self, X: Any, y: Any, person: Any = None) -> Any:  # noqa: ANN401, N803 - scikit-learn's own
        """Train."""
        ...

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: ANN401, N803 - scikit-learn's own
        """Predict."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model.

    Args:
        aim: ``class``, ``number`` or ``none``: what it predicts.
        needs_people: Whether it divides by the number of people, which is measured where it is not public.
        make: Makes the estimator of inputs, what a run may cost, the number of people, a budget and settings.
        keep: Writes what training left.
        take: Makes the trained estimator again.
        candidates: Settings that ``--tune`` chooses among; public, and the first is the default.
        mechanism: How it is protected, in a few words.
        clipped: What one person's part is cut to, in words.
    """

    aim: str
    needs_people: bool
    make: Callable[[Inputs, Wish, int, Budget, Settings], Trained]
    keep: Callable[[Any], dict[str, Json]]
    take: Callable[[Inputs, Mapping[str, Any]], Trained]
    candidates: tuple[Settings, ...]
    mechanism: str
    clipped: str


def quoted(kind: Kind, inputs: Inputs, wish: Wish, people: int, settings: Settings) -> Noise:
    """Ask a kind of model for the noise that a run would have; no data is needed.

    Args:
        kind: The kind.
        inputs: What would be read.
        wish: What the run may cost.
        people: The number of people as it is publicly known, or 1: it decides nothing of an exact cost.
        settings: What would be trained with.

    Returns:
        The noise; its rho is what the run costs, none where it costs epsilon and delta.

    Raises:
        Refused: What training would be refused for.
        CallerError: For settings that do not fit.
        Fault: ``train.overspent`` when the kind trains without paying.
    """
    model = kind.make(inputs, wish, people, Quote(UNBOUND), settings)
    nobody, aims = np.zeros((1, inputs.width)), np.zeros(1, dtype=np.int64)
    try:
        model.fit(nobody, None if kind.aim == "none" else aims, person=aims)
    except QuotedError as quote:
        return quote.noise
    raise Fault("train.overspent")


def kind_of(name: object) -> Kind:
    """Find a kind of model.

    Args:
        name: Its name.

    Returns:
        It.

    Raises:
        CallerError: ``train.model-unknown``.
    """
    kind = KINDS.get(str(name))
    if kind is None:
        raise CallerError("train.model-unknown", model=str(name)[:40], known=", ".join(KINDS))
    return kind


def numbers_json(values: npt.NDArray[np.float64]) -> list[Json]:
    """Write numbers as decimal text that reads back to the same floats.

    Args:
        values: Any shape.

    Returns:
        Nested lists of that shape.
    """
    if values.ndim == 0:
        raise TypeError("an array is needed")
    if values.ndim == 1:
        return [repr(float(value)) for value in values]
    return [numbers_json(each) for each in values]


def numbers_of(told: object, shape: Sequence[int]) -> Floats:
    """Read numbers back.

    Args:
        told: Nested lists of decimal text.
        shape: What shape they must have.

    Returns:
        The floats.

    Raises:
        ValueError: When they are not of that shape, or one is no finite number.
    """
    found = np.array(_read(told), dtype=np.float64)
    if found.shape != tuple(shape) or not np.isfinite(found).all():
        raise ValueError("numbers of another shape")
    return found


def _read(told: object) -> Any:  # noqa: ANN401 - as nested as it was written
    if isinstance(told, list):
        return [_read(each) for each in told]
    if not isinstance(told, str):
        raise ValueError("a number is no text")  # noqa: TRY004 - one error for whatever is malformed
    return float(told)


def _logistic(
    inputs: Inputs, wish: Wish, people: int, budget: Budget, settings: Settings
) -> DPLogisticRegression:
    encoder, target = inputs.encoder, inputs.target
    return DPLogisticRegression(
        epsilon=wish.epsilon,
        delta=wish.delta,
        bounds=encoder.bounds,
        row_norm=encoder.row_norm,
        classes=list(range(len(target.classes))) if target else None,
        n_public=people,
        budget=budget,
        **settings,
    )


def _logistic_kept(model: DPLogisticRegression) -> dict[str, Json]:
    return {"coef": numbers_json(model.coef_), "intercept": numbers_json(model.intercept_)}


def _logistic_again(inputs: Inputs, state: Mapping[str, Any]) -> DPLogisticRegression:
    classes = inputs.target.classes if inputs.target else ()
    outputs = 1 if len(classes) == 2 else len(classes)  # noqa: PLR2004 - two classes need one output
    model = DPLogisticRegression(classes=list(classes))
    model.coef_ = numbers_of(state["coef"], (outputs, inputs.width))
    model.intercept_ = numbers_of(state["intercept"], (outputs,))
    model.classes_ = np.array(classes)
    return _known(model, inputs)


def _linear(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - one shape for all
    budget: Budget,
    settings: Settings,
) -> DPLinearRegression:
    encoder, clamp = inputs.encoder, inputs.target.clamp if inputs.target else None
    return DPLinearRegression(
        epsilon=wish.epsilon,
        delta=wish.delta,
        bounds=encoder.bounds,
        row_norm=encoder.row_norm,
        y_bounds=(float(clamp.lower), float(clamp.upper)) if clamp else None,
        budget=budget,
        **settings,
    )


def _linear_kept(model: DPLinearRegression) -> dict[str, Json]:
    return {"coef": numbers_json(model.coef_), "intercept": repr(float(model.intercept_))}


def _linear_again(inputs: Inputs, state: Mapping[str, Any]) -> DPLinearRegression:
    model = DPLinearRegression()
    model.coef_ = numbers_of(state["coef"], (inputs.width,))
    model.intercept_ = float(numbers_of([state["intercept"]], (1,))[0])
    return _known(model, inputs)


def _known(model: E, inputs: Inputs) -> E:
    """Mark a model as trained by a governed run."""
    model.n_features_in_ = inputs.width
    model._standing = GOVERNED  # noqa: SLF001 - the estimators' own mark
    return model


KINDS: Mapping[str, Kind] = {
    "logistic": Kind(
        "class",
        True,  # noqa: FBT003 - whether it divides
        _logistic,
        _logistic_kept,
        _logistic_again,
        ({}, {"clip": 0.2, "steps": 30}, {"clip": 0.6, "steps": 100}),
        "noisy gradient descent on exact sums, discrete Gaussian noise",
        "a third of the longest row in each gradient",
    ),
    "linear": Kind(
        "number",
        False,  # noqa: FBT003 - as above
        _linear,
        _linear_kept,
        _linear_again,
        ({},),
        "one noisy measurement of all products, discrete Gaussian noise",
        "the root of 2 in all products of a row of length 1",
    ),
}
