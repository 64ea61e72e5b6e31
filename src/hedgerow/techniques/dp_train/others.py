"""Parts of rows for layers whose gradient has no closed form here: told by Opacus, and nothing else of it.

Its sampling, noise and accounting are never used: it is asked for the gradient of each row of one layer,
which is then made whole and cut as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

# Each of them treats every row alone.
NAMES = ("Conv1d", "Conv3d", "GroupNorm", "RMSNorm")


def is_other(layer: Any) -> bool:  # noqa: ANN401 - a layer
    """Tell whether a layer's rows are told by Opacus.

    Args:
        layer: A layer of a known kind.

    Returns:
        Whether they are; of a Conv2d those of groups.
    """
    kind = type(layer).__name__
    return kind in NAMES or (kind == "Conv2d" and layer.groups != 1)


def sampler_of(layer: Any) -> Callable[..., Any]:  # noqa: ANN401 - a layer
    """Find what makes the gradient of each row of a layer.

    Args:
        layer: A layer for which :func:`is_other` holds.

    Returns:
        From the layer, what went in and what came back to a gradient of each row, by parameter.

    Raises:
        Fault: ``extra.missing`` without Opacus, or with one that does not know the layer.
    """
    try:
        from opacus.grad_sample import GradSampleModule
    except ImportError:
        GradSampleModule = None  # noqa: N806 - a class
    made = None if GradSampleModule is None else GradSampleModule.GRAD_SAMPLERS.get(type(layer))
    if made is None:
        raise Fault("extra.missing", what=f"Training a {type(layer).__name__} layer", extra="ml")
    sampler: Callable[..., Any] = made
    return sampler


def parts_of(layer: Any, taken: Any, back: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors
    """Make rows of a layer's gradient.

    Args:
        layer: The layer.
        taken: What went in, a row for each.
        back: What came back, likewise.

    Returns:
        Of the weight and of the bias, a row for each; none where the layer has none.
    """
    import torch

    with torch.no_grad():
        found = sampler_of(layer)(layer, [taken], back)
    bias = getattr(layer, "bias", None)
    return found[layer.weight], None if bias is None else found[bias]
