"""What each person adds to a gradient of a PyTorch model: captured layer by layer, made whole, cut, summed.

For linear layers a row's part is the product of what went in and what came back, so the square of its norm is
a product of two squares and no row of a gradient is ever made (Goodfellow 2015, "Efficient per-example
gradient computations"). Other layers, and people with several rows, have theirs made block by block.

What goes in and what comes back is made whole before it is cut, so that sums of bounded parts are exact in
any order. What torch computes of one row is taken to be that row's alone; its last bits are not proven to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.dp_train import others

if TYPE_CHECKING:
    import torch

Integers = npt.NDArray[np.int64]

# What goes into a layer, and what comes back to it, in units of 2**-14 each: a gradient's are 2**-28.
SIDE_UNIT = 2.0**14
UNIT = SIDE_UNIT * SIDE_UNIT
# So that everybody's bounded parts sum below 2**53.
SUM_MOST = 2.0**52
_SLACK = 1 - 2.0**-20
_BLOCK = 1 << 22
# Each of them treats every row alone, whatever it is set to, but for what _is_odd refuses: so none with a
# dimension to choose (softmax), none that knows a batch (norms, dropout). Subclasses are other layers.
_PLAIN = (
    "Flatten", "GELU", "Identity", "LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Softplus", "Tanh", "Unflatten",
    "MaxPool2d", "AvgPool2d", "ELU", "Hardtanh",
)  # fmt: skip
_LEARNING = ("Linear", "Conv2d", "LayerNorm", "Embedding", *others.NAMES)
_WEIGHTS = {"weight", "bias"}
_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def torch_library() -> Any:  # noqa: ANN401 - a module of an extra
    """Load PyTorch.

    Returns:
        The module.

    Raises:
        Fault: ``extra.missing`` without the extra ``ml``.
    """
    try:
        import torch
    except ImportError:
        raise Fault("extra.missing", what="A PyTorch model", extra="ml") from None
    return torch


def layers_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """List the layers that learn, in order.

    Args:
        model: An ``nn.Sequential``, other such within it at will.

    Returns:
        Its layers with parameters.

    Raises:
        Refused: ``learn.unsupported-layer`` for a layer of which it is not known that it keeps rows apart, or
            how a row's part of its gradient is told.
        Fault: ``extra.missing`` for a layer that Opacus is needed for, without it.
    """
    nn = torch_library().nn
    known = {getattr(nn, name) for name in (*_PLAIN, *_LEARNING)}
    found: list[torch.nn.Module] = []
    weights: set[int] = set()

    def walk(part: Any) -> None:  # noqa: ANN401 - a layer
        kind = type(part)
        if not (kind is nn.Sequential or kind in known) or _is_altered(part):
            raise _unsupported(kind.__name__)
        if kind is nn.Sequential:
            for each in part:
                walk(each)
            return
        own = [id(each) for each in part.parameters()]
        if _is_odd(part) or not weights.isdisjoint(own):
            raise _unsupported(kind.__name__)
        weights.update(own)
        if own:
            found.append(part)
            if others.is_other(part):
                others.sampler_of(part)

    # What torch calls around every module alike may alter what any of them gives.
    if any(getattr(nn.modules.module, f"_global{name}") for name in _HOOKS):
        raise _unsupported("a hook on all modules")
    walk(model)
    if not found:
        raise _unsupported("a model that learns nothing")
    return found


def _unsupported(layer: str) -> Refused:
    return Refused("learn.unsupported-layer", layer=layer, known=", ".join(_LEARNING))


def _is_altered(part: Any) -> bool:  # noqa: ANN401 - a layer
    """Tell whether a layer does other than its class says: by hooks, or by what was put into it."""
    kind, own = type(part), vars(part)
    is_sequence = kind.__name__ == "Sequential"
    return bool(
        any(own.get(name) for name in _HOOKS)
        or any(callable(getattr(kind, name, None)) for name in own)
        or own.get("_compiled_call_impl") is not None
        or not own.keys().isdisjoint(_WEIGHTS)
        or own["_buffers"]
        or (own["_modules"] and not is_sequence)
        or not own["_parameters"].keys() <= (set() if is_sequence else _WEIGHTS)
    )


def _is_odd(part: Any) -> bool:  # noqa: ANN401 - a layer
    """Tell whether a layer is set up in a way that mixes rows, or that its gradient is not told for."""
    return bool(
        getattr(part, "padding_mode", "zeros") != "zeros"
        or isinstance(getattr(part, "padding", 0), str)
        or getattr(part, "max_norm", None) is not None
        or getattr(part, "scale_grad_by_freq", False)
        or getattr(part, "sparse", False)
        or getattr(part, "inplace", False)
        or getattr(part, "return_indices", False)
        or not all(_is_inner(getattr(part, name, 1)) for name in ("start_dim", "dim"))
        or any(
            type(each) is not torch_library().nn.Parameter or not each.requires_grad
            for each in part.parameters()
        )
    )


def _is_inner(dimension: object) -> bool:
    """Tell whether a dimension is surely not that of rows; one from the far end may reach it."""
    return isinstance(dimension, int) and dimension >= 1


@dataclass(slots=True, eq=False)
class Capture:
    """What a layer took in, what came out of it and what came back to it, a row of each for every row.

    Args:
        layer: The layer.
        taken: What went in.
        made: What came out, until the way back is gone.
        back: The gradient of the summed loss by what came out.
    """

    layer: Any
    taken: Any = None
    made: Any = None
    back: Any = None

    @property
    def is_product(self) -> bool:
        """Whether a row's part is one outer product."""
        return type(self.layer).__name__ == "Linear" and self.taken.ndim == 2  # noqa: PLR2004 - rows of features


def captures_of(model: Any, layers: list[Any], forward: Callable[[], Any], rows: int) -> list[Capture]:  # noqa: ANN401 - a module
    """Run a model forward and back, and note what its layers take in and what comes back to them.

    Args:
        model: The model.
        layers: Those of its layers that learn.
        forward: Runs the model and gives the summed loss of all rows.
        rows: How many rows it runs on.

    Returns:
        A capture for each layer.

    Raises:
        Refused: ``learn.unsupported-layer`` when something goes into a layer, or comes out of it, that has
            not one row for each.
    """
    captures = [Capture(layer) for layer in layers]
    handles = [each.register_forward_hook(_keeping(rows)) for each in model.modules()]
    handles += [capture.layer.register_forward_hook(_noting(capture)) for capture in captures]
    try:
        lost = forward()
    finally:
        for handle in handles:
            handle.remove()
    backs = torch_library().autograd.grad(lost, [capture.made for capture in captures])
    for capture, back in zip(captures, backs, strict=True):
        capture.back, capture.made = back, None
    return captures


def _keeping(rows: int) -> Callable[..., None]:
    """Refuse what a layer takes or makes unless its first dimension is that of the rows."""

    def check(layer: Any, taken: tuple[Any, ...], made: Any) -> None:  # noqa: ANN401 - tensors
        tensor = torch_library().Tensor
        if any(not isinstance(side, tensor) or side.shape[:1] != (rows,) for side in (*taken, made)):
            raise _unsupported(type(layer).__name__)
        if taken[0].ndim < _least_dimensions(layer):
            raise _unsupported(type(layer).__name__)

    return check


def _least_dimensions(layer: Any) -> int:  # noqa: ANN401 - a layer
    """Tell from how many dimensions on the first is that of rows, not of features or channels."""
    match type(layer).__name__:
        case "Linear":
            return 2
        case "GroupNorm":
            return 2
        case "Conv1d":
            return 3
        case "Conv2d":
            return 4
        case "Conv3d":
            return 5
        case "LayerNorm" | "RMSNorm":
            return 1 + len(layer.normalized_shape)
    return 1


def _noting(capture: Capture) -> Callable[..., None]:
    def note(_: object, taken: tuple[Any, ...], made: Any) -> None:  # noqa: ANN401 - tensors
        capture.taken, capture.made = taken[0].detach(), made

    return note


def bounded_sums(captures: list[Capture], owners: Any, people: int, bound: int) -> Integers:  # noqa: ANN401 - a tensor
    """Add up each person's share of a gradient, cut to a bound in L2 over all layers.

    Args:
        captures: What each layer took in and what came back.
        owners: The number of each row's person; none where each row is a person.
        people: How many people there are.
        bound: The most a person adds, in L2, in units of ``2**-28``.

    Returns:
        Exact sums, flat, in the order of the layers and of each layer's parameters.

    Raises:
        CallerError: ``learn.bad-parameter`` where so many people's parts could not be summed exactly.

    Guarantee: adding or removing a person, whose rows torch computes alike whoever else is there, changes the
        result by at most ``bound`` in L2. A part that is not within it, or is no number, adds nothing.
    """
    if people * float(bound) > SUM_MOST:
        raise CallerError(
            "learn.bad-parameter", parameter="clip", advice="Give a smaller one, or fewer rows."
        )
    if owners is None and all(capture.is_product for capture in captures):
        return _of_products(captures, bound)
    return _of_rows(captures, owners, people, bound)


def _of_products(captures: list[Capture], bound: int) -> Integers:
    torch = torch_library()
    sides = [(_whole(_with_one(capture)), _whole(capture.back)) for capture in captures]
    sizes = [_squares(taken) for taken, _ in sides]
    squares = sum(size * _squares(back) for size, (_, back) in zip(sizes, sides, strict=True))
    shrinking = _shrinking(squares, bound)[:, None]
    kept = [(back * shrinking).trunc_() for _, back in sides]
    after = sum(size * _squares(back) for size, back in zip(sizes, kept, strict=True))
    # A part that is no number is not within, and must not meet a zero.
    is_beyond = ~(after <= float(bound) ** 2 * _SLACK)[:, None]
    if bool(is_beyond.any()):
        kept = [back.masked_fill(is_beyond, 0.0) for back in kept]
        sides = [(taken.masked_fill(is_beyond, 0.0), back) for taken, back in sides]
    products = [back.T @ taken for back, (taken, _) in zip(kept, sides, strict=True)]
    flat = [_split(capture.layer, product) for capture, product in zip(captures, products, strict=True)]
    return torch.cat(flat).to(torch.int64).numpy()  # type: ignore[no-any-return]


def _squares(side: Any) -> Any:  # noqa: ANN401 - tensors
    torch = torch_library()
    return torch.linalg.vecdot(side, side)


def _split(layer: Any, product: Any) -> Any:  # noqa: ANN401 - tensors
    """Lay weights out before the bias, as the layer's parameters are."""
    if layer.bias is None:
        return product.reshape(-1)
    return torch_library().cat([product[:, :-1].reshape(-1), product[:, -1]])


def _with_one(capture: Capture) -> Any:  # noqa: ANN401 - a tensor
    torch = torch_library()
    taken = capture.taken
    if capture.layer.bias is None:
        return taken
    return torch.cat([taken, torch.ones((len(taken), 1), dtype=taken.dtype)], 1)


def _whole(side: Any) -> Any:  # noqa: ANN401 - a tensor
    return (side * SIDE_UNIT).round()


def _shrinking(squares: Any, bound: int) -> Any:  # noqa: ANN401 - a tensor
    """Tell by what parts are multiplied: 1 within the bound, a little less than the ratio beyond."""
    torch = torch_library()
    sizes = squares.sqrt()
    return torch.where(
        sizes <= bound * _SLACK, torch.ones_like(sizes), bound * _SLACK / sizes.clamp(min=bound)
    )


def _of_rows(captures: list[Capture], owners: Any, people: int, bound: int) -> Integers:  # noqa: ANN401 - a tensor
    """Make each person's part, a block of people at a time, and cut it."""
    torch = torch_library()
    rows = len(captures[0].taken)
    places = torch.arange(rows) if owners is None else owners
    width = sum(each.numel() for capture in captures for each in capture.layer.parameters())
    total = torch.zeros(width, dtype=torch.float64)
    step = max(1, _BLOCK // width)
    order = torch.argsort(places, stable=True)
    ends = torch.cumsum(torch.bincount(places, minlength=people), 0)
    for first in range(0, people, step):
        last = min(first + step, people)
        begin = int(ends[first - 1]) if first else 0
        chosen = order[begin : int(ends[last - 1])]
        parts = torch.cat([_row_parts(capture, chosen) for capture in captures], 1)
        mine = torch.zeros((last - first, width), dtype=torch.float64).index_add_(
            0, places[chosen] - first, parts
        )
        total += _cut((mine * UNIT).round(), bound).sum(0)
    return total.to(torch.int64).numpy()  # type: ignore[no-any-return]


def _cut(parts: Any, bound: int) -> Any:  # noqa: ANN401 - a tensor
    torch = torch_library()
    kept = (parts * _shrinking(parts.square().sum(1), bound)[:, None]).trunc()
    is_within = kept.square().sum(1) <= float(bound) ** 2 * _SLACK
    return torch.where(is_within[:, None], kept, torch.zeros((), dtype=kept.dtype))


def _row_parts(capture: Capture, chosen: Any) -> Any:  # noqa: ANN401 - tensors
    """Make rows of a layer's gradient, flat, in the order of its parameters."""
    torch = torch_library()
    layer, taken, back = capture.layer, capture.taken[chosen], capture.back[chosen]
    rows = len(chosen)
    match type(layer).__name__:
        case _ if others.is_other(layer):
            weight, bias = others.parts_of(layer, taken, back)
        case "Linear":
            taken, back = (side.reshape(rows, -1, side.shape[-1]) for side in (taken, back))
            weight, bias = torch.einsum("nto,ntk->nok", back, taken), back.sum(1)
        case "Conv2d":
            unfolded = torch.nn.functional.unfold(
                taken, layer.kernel_size, layer.dilation, layer.padding, layer.stride
            )
            flat = back.reshape(rows, back.shape[1], -1)
            weight, bias = torch.einsum("nol,nkl->nok", flat, unfolded), flat.sum(2)
        case "LayerNorm":
            shape = tuple(layer.normalized_shape)
            plain = torch.nn.functional.layer_norm(taken, shape, eps=layer.eps)
            both = (each.reshape(rows, -1, *shape).sum(1) for each in (back * plain, back))
            weight, bias = both
        case _:
            weight, bias = _embedded(layer, taken, back), None
    parts = [weight.reshape(rows, -1)] if getattr(layer, "weight", None) is not None else []
    return torch.cat(
        [*parts, bias.reshape(rows, -1)] if getattr(layer, "bias", None) is not None else parts, 1
    )


def _embedded(layer: Any, taken: Any, back: Any) -> Any:  # noqa: ANN401 - tensors
    torch = torch_library()
    rows, (words, size) = len(taken), layer.weight.shape
    places = taken.reshape(rows, -1) + words * torch.arange(rows)[:, None]
    back = back.reshape(-1, size)
    if layer.padding_idx is not None:
        back = back * (taken.reshape(-1) != layer.padding_idx)[:, None]
    made = torch.zeros((rows * words, size), dtype=back.dtype)
    return made.index_add_(0, places.reshape(-1), back).reshape(rows, words, size)
