"""How well a model does on people who were held out: one row of each, and noise that is paid for."""

from __future__ import annotations

from fractions import Fraction
from statistics import NormalDist

import numpy as np

from hedgerow.kernel.noise import add_gaussian, gaussian_scale
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_train.inputs import Inputs
from hedgerow.techniques.dp_train.prepared import Prepared
from hedgerow.techniques.dp_train.trainable import Trained

UNIT = 2**16
_NORMAL_95 = NormalDist().inv_cdf(0.975)
_PLACES = 3


def shares_right(model: Trained, held: Prepared, inputs: Inputs) -> list[int]:
    """Tell how right a model is of each person that was held out, by the first row.

    Args:
        model: A trained model.
        held: Who was held out.
        inputs: What was predicted.

    Returns:
        For each person from 0 to ``UNIT``: all of it for the right class, or for the right number; none of it
        for a wrong class, or a number off by the whole width of the bounds.
    """
    first = held.first_rows()
    if not first.people:
        return []
    predicted = np.asarray(model.predict(first.features))
    clamp = inputs.target.clamp if inputs.target else None
    if clamp is None:
        return [UNIT if right else 0 for right in predicted == first.aims]
    lower, upper = float(clamp.lower), float(clamp.upper)
    wanted = np.clip(first.aims.astype(np.float64), lower, upper)
    missed = np.abs(np.clip(predicted, lower, upper) - wanted) / (upper - lower)
    return [int(share) for share in np.rint((1 - np.clip(missed, 0, 1)) * UNIT)]


def score(model: Trained, held: Prepared, inputs: Inputs) -> int:
    """Add up how right a model is; exact, so it stays inside.

    Args:
        model: A trained model.
        held: Who was held out.
        inputs: What was predicted.

    Returns:
        A whole number that one person moves by at most ``UNIT``.
    """
    return sum(shares_right(model, held, inputs))


def measured(model: Trained, held: Prepared, inputs: Inputs, rho: Fraction) -> dict[str, Json] | None:
    """Measure accuracy, privately.

    Args:
        model: A trained model.
        held: Who was held out.
        inputs: What was predicted.
        rho: What it may cost; 0 for not measuring it.

    Returns:
        ``share`` right and its ``half_width_95`` as decimal text; none where it is not measured.

    Guarantee: rho-zCDP. What is right and what is wrong are measured, and a person adds to them
        ``(s, UNIT - s)``, at most ``UNIT`` in L2.
    """
    if not rho:
        return None
    right = score(model, held, inputs)
    wrong = held.people * UNIT - right
    scale = gaussian_scale(UNIT, rho)
    noisy = add_gaussian([right, wrong], UNIT, rho, scale)
    total = noisy[0] + noisy[1]
    off = _NORMAL_95 * scale
    if total <= 2 * off:
        return {"share": None, "half_width_95": None}
    share = min(max(noisy[0] / total, 0.0), 1.0)
    # Off by the noise of both, were the total as small as it may be.
    width = off * (share**2 + (1 - share) ** 2) ** 0.5 / (total - 1.5 * off)
    return {"share": _text(share), "half_width_95": _text(min(width + 10**-_PLACES, 1.0))}


def _text(value: float) -> str:
    return f"{value:.{_PLACES}f}"
