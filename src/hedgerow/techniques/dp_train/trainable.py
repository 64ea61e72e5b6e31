"""What a governed run must know of a kind of model, and what a run with it would cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.budget import Limit
from hedgerow.model.errors import Fault
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_train.paying import Noise, Quote, QuotedError, Wish

if TYPE_CHECKING:
    from hedgerow.techniques.dp_train.inputs import Inputs

Floats = npt.NDArray[np.float64]
Settings = Mapping[str, Any]
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


def _as_they_are(_: Inputs, features: Floats) -> Floats:
    return features


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model.

    Args:
        aim: ``class``, ``number``, ``either`` (as the target is declared) or ``none``: what it predicts.
        needs_people: Whether it divides by the number of people, which is measured where it is not public.
        make: Makes the estimator of inputs, what a run may cost, the number of people, a budget and settings.
        keep: Writes what training left.
        take: Makes the trained estimator again.
        candidates: Settings that ``--tune`` chooses among; public, and the first is the default.
        mechanism: How it is protected, in a few words.
        clipped: What one person's part is cut to, in words.
        given: Turns features into what the estimator takes.
        batches: How often each person is seen where steps see a part of the people; none where none do.
        batch: How many people a step sees where every run is by batches; none where it need not be.
    """

    aim: str
    needs_people: bool
    make: Callable[[Inputs, Wish, int, Budget, Settings], Any]
    keep: Callable[[Any], dict[str, Json]]
    take: Callable[[Inputs, Mapping[str, Any]], Any]
    candidates: tuple[Settings, ...]
    mechanism: str
    clipped: str
    given: Callable[[Inputs, Floats], Any] = _as_they_are
    batches: int | None = None
    batch: int | None = None


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
    nobody, aims = kind.given(inputs, np.zeros((1, inputs.width))), np.zeros(1, dtype=np.int64)
    try:
        model.fit(nobody, None if kind.aim == "none" else aims, person=aims)
    except QuotedError as quote:
        return quote.noise
    raise Fault("train.overspent")
