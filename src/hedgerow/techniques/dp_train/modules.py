"""PyTorch models as plain values: which layers there are, built anew, trained privately, kept as numbers.

Whoever asks for a model tells its layers, and no code of theirs meets a row: a module is read for what it is
made of and thrown away, and a file holds names and numbers. What is trained is built here, of layers that
treat each row alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, persample
from hedgerow.techniques.dp_train.descending import DPTrainer
from hedgerow.techniques.dp_train.estimators import PrivateEstimator

if TYPE_CHECKING:
    import torch

    from hedgerow.model.uses import Json

Floats = npt.NDArray[np.float64]
Layers = Sequence[Mapping[str, "Json"]]

_LAYERS_MOST, _NUMBERS_MOST, _WHOLE_MOST, _SIZES_MOST = 100, 10_000_000, 10_000_000, 4
_CONV = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
# What a layer is told by; nothing else of it is taken over. Features are numbers: there is no embedding.
_TOLD: dict[str, tuple[str, ...]] = {
    "AvgPool2d": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "Conv1d": _CONV,
    "Conv2d": _CONV,
    "Conv3d": _CONV,
    "ELU": ("alpha",),
    "Flatten": ("start_dim", "end_dim"),
    "GELU": ("approximate",),
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    "Hardtanh": ("min_val", "max_val"),
    "Identity": (),
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine", "bias"),
    "LeakyReLU": ("negative_slope",),
    "Linear": ("in_features", "out_features", "bias"),
    "MaxPool2d": ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "RMSNorm": ("normalized_shape", "eps", "elementwise_affine"),
    "ReLU": (),
    "SiLU": (),
    "Sigmoid": (),
    "Softplus": ("beta", "threshold"),
    "Tanh": (),
    "Unflatten": ("dim", "unflattened_size"),
}
_WORDS = ("none", "tanh")


def described(module: torch.nn.Module) -> list[dict[str, Json]]:
    """Tell the layers of a module; its weights and whatever else it holds are not read.

    Args:
        module: An ``nn.Sequential`` of layers that are known.

    Returns:
        For each layer its name and what it is told by, as plain values.

    Raises:
        Refused: ``learn.unsupported-layer``.
        Fault: ``extra.missing``.
    """
    persample.layers_of(module)
    found: list[dict[str, Json]] = []
    for part in module.modules():
        name = type(part).__name__
        if name == "Sequential":
            continue
        if name not in _TOLD:
            raise Refused("learn.unsupported-layer", layer=name, known=", ".join(_TOLD))
        told = {each: _plain(each, getattr(part, each)) for each in _TOLD[name]}
        found.append({"layer": name, **told})
    return found


def _plain(name: str, value: object) -> Json:
    if name == "bias":
        return value is not None and value is not False
    return [int(each) for each in value] if isinstance(value, tuple) else plain_number(value)


def plain_number(value: object) -> Json:
    """Write a number as requests hold it: one that is not whole as decimal text.

    Args:
        value: A number, a truth, a text, or none.

    Returns:
        It.
    """
    return repr(value) if isinstance(value, float) else cast("Json", value)


def built(layers: object) -> torch.nn.Sequential:
    """Build a module of described layers, with weights of chance.

    Args:
        layers: As :func:`described` tells them, from whoever asks.

    Returns:
        The module.

    Raises:
        CallerError: ``train.bad-layers`` with what is wrong.
        Refused: ``learn.unsupported-layer``, ``learn.too-large``.
        Fault: ``extra.missing``.
    """
    torch = persample.torch_library()
    if not isinstance(layers, list | tuple) or not 1 <= len(layers) <= _LAYERS_MOST:
        raise _bad(f"give a list of 1 to {_LAYERS_MOST} layers")
    parts = [_read(each) for each in layers]

    def made() -> Any:  # noqa: ANN401 - a module
        try:
            return torch.nn.Sequential(*(getattr(torch.nn, name)(**told) for name, told in parts))
        except (TypeError, ValueError, RuntimeError, ZeroDivisionError, OverflowError):
            raise _bad("a layer is told sizes that it cannot have") from None

    with torch.device("meta"):  # without room for numbers: only how many there would be
        numbers = sum(each.numel() for each in made().parameters())
    if numbers > _NUMBERS_MOST:
        raise Refused(
            "learn.too-large", what="coefficients", number=f"{numbers:,}", most=f"{_NUMBERS_MOST:,}"
        )
    module = made()
    persample.layers_of(module)
    return module.double()


def _bad(problem: str) -> CallerError:
    return CallerError("train.bad-layers", problem=problem)


def _read(told: object) -> tuple[str, dict[str, Any]]:
    name = told.get("layer") if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(name, str) or name not in _TOLD:
        shown = name if isinstance(name, str) else "none"
        raise Refused("learn.unsupported-layer", layer=shown[:40], known=", ".join(_TOLD))
    more = {key: value for key, value in told.items() if key != "layer"}
    if not more.keys() <= set(_TOLD[name]):
        raise _bad(f"a {name} layer is told by {', '.join(_TOLD[name]) or 'its name alone'}")
    return name, {key: _value(value) for key, value in more.items()}


def _value(told: object) -> Any:  # noqa: ANN401 - what layers take
    if told is None or isinstance(told, bool) or told in _WORDS:
        return told
    if isinstance(told, int) and abs(told) <= _WHOLE_MOST:
        return told
    if isinstance(told, list | tuple) and 1 <= len(told) <= _SIZES_MOST:
        if all(type(each) is int and 0 <= each <= _WHOLE_MOST for each in told):
            return tuple(told)
    elif isinstance(told, str):
        try:
            number = float(told)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise _bad("a layer is told by something that is no size, number or truth")


@dataclass(kw_only=True, eq=False, repr=False)
class DPSequential(PrivateEstimator):
    """Layers in a row, differentially private for each person in the data.

    It takes ``epsilon``, ``delta`` and ``budget``, and is trained by
    :class:`~hedgerow.techniques.dp_train.descending.DPTrainer`.

    Args:
        layers: As :func:`described` tells them.
        classes: The places of the classes, in order; empty where numbers are predicted.
        y_bounds: The bounds of the number that is predicted; none for classes.
        n_public: The number of people as it is publicly known.
        clip: What one person may add to a gradient, in L2 over all layers.
        batch_size: How many people a step sees on average.
        epochs: How often each person is seen on average.

    Guarantee: after ``fit``, the weights are (epsilon, delta)-differentially private for adding or removing
        all rows of one person, as far as ``DPTrainer`` tells.
    """

    KIND: ClassVar[str] = "classifier"
    layers: Any = None
    classes: Any = ()
    y_bounds: tuple[float, float] | None = None
    n_public: int | None = None
    clip: float = 1.0
    batch_size: int = 256
    epochs: int = 3

    def fit(self, X: Any, y: Any, person: Any = None) -> DPSequential:  # noqa: ANN401, N803 - as the estimators
        """Train on a table, and take the cost off the budget before a gradient is summed.

        Args:
            X: Features, shape ``(rows, features)``.
            y: The place of each row's class, or its number.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``budget_``.

        Raises:
            Refused: As ``DPTrainer.fit``.
            CallerError: As ``DPTrainer.fit``; ``train.bad-layers`` where the layers do not fit the columns.
            Fault: ``extra.missing``; ``learn.failed``.
        """
        features, _ = arrays.matrix(X)
        module = built(self.layers)
        self._check_ends(module, features.shape[1])
        aims = np.asarray(y) if self.y_bounds is None else self._scaled(np.asarray(y, dtype=np.float64))
        trainer = DPTrainer(
            module, epsilon=self.epsilon, delta=self.delta, n_public=self.n_public, budget=self.budget,
            loss="classes" if self.y_bounds is None else "numbers", clip=self.clip,
            batch_size=self.batch_size, epochs=self.epochs,
        )  # fmt: skip
        try:
            trainer.fit(features, aims, person)
        finally:
            if trainer.budget_ is not None:
                self.budget_ = trainer.budget_
        self.module_ = module
        self.n_features_in_ = features.shape[1]
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Estimate the chance of each class.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows, classes)``; each row adds up to 1.
        """
        scores = self._given(X)
        grown: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell the likeliest class of each row, or its number.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows,)``.
        """
        if self.y_bounds is None:
            known = getattr(self, "classes_", np.asarray(self.classes))
            return known[self._given(X).argmax(axis=1)]  # type: ignore[no-any-return]
        lower, upper = self.y_bounds
        told = self._given(X)[:, 0] * (upper - lower) / 2 + (lower + upper) / 2
        return np.clip(told, lower, upper)

    def weights(self) -> list[Floats]:
        """Tell the noisy weights, flat, in the order of the layers' parameters."""
        self._checked_fitted()
        return [each.detach().numpy().ravel() for each in self.module_.parameters()]

    def with_weights(self, weights: Sequence[Floats], width: int) -> DPSequential:
        """Take weights that were trained before.

        Args:
            weights: As :meth:`weights` tells them.
            width: How many features there are.

        Returns:
            The same estimator, trained.

        Raises:
            ValueError: When they are not those of these layers.
        """
        torch, module = persample.torch_library(), built(self.layers)
        parameters = list(module.parameters())
        for each, flat in zip(parameters, weights, strict=True):
            if each.numel() != len(flat):
                raise ValueError("weights of other layers")
            each.data = torch.from_numpy(flat.copy()).reshape(each.shape)
        self._check_ends(module, width)
        self.module_, self.n_features_in_ = module, width
        return self

    def _given(self, values: Any) -> Floats:  # noqa: ANN401 - arrays
        torch = persample.torch_library()
        with torch.no_grad():
            found: Floats = self.module_(torch.from_numpy(np.ascontiguousarray(self._taken(values)))).numpy()
        return found

    def _scaled(self, aims: Floats) -> Floats:
        lower, upper = self.y_bounds or (0.0, 1.0)
        return np.clip((aims - (lower + upper) / 2) * 2 / (upper - lower), -1, 1)[:, None]

    def _check_ends(self, module: Any, width: int) -> None:  # noqa: ANN401 - a module
        """Refuse layers that do not take the features, or do not give a number for each class."""
        torch = persample.torch_library()
        outputs = len(self.classes) if self.y_bounds is None else 1
        try:
            with torch.no_grad():
                shape = tuple(module(torch.zeros((2, width), dtype=torch.float64)).shape)
        except (RuntimeError, ValueError, IndexError):
            raise _bad(f"the first does not take {width} features, or another what is before it") from None
        if shape != (2, outputs):
            raise _bad(f"the last does not give {outputs} numbers for a row")
