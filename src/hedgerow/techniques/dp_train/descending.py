"""DP-SGD for PyTorch models: people by chance, parts cut, discrete noise, a divisor that is public."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.noise.sampling import poisson_sample
from hedgerow.model.answers import UNGOVERNED
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.batches import Sampling, sampled_noise, sampling_of
from hedgerow.techniques.dp_train.declared import Exact
from hedgerow.techniques.dp_train.paying import Noise, Wish, spending
from hedgerow.techniques.dp_train.persample import (
    SUM_MOST,
    UNIT,
    bounded_sums,
    captures_of,
    layers_of,
    torch_library,
)
from hedgerow.techniques.dp_train.sums import PEOPLE_MOST

if TYPE_CHECKING:
    import torch

_CLIP_MOST = 1e4
# Multiplications of a step, from which more threads than one pay.
_WORTH_THREADS = 1 << 26
_LOSSES = ("classes", "numbers")


@dataclass(frozen=True, slots=True)
class _Run:
    """How a run goes, all of it fixed beforehand."""

    sampling: Sampling
    bound: int
    divisor: float


class DPTrainer:
    """Trains a PyTorch model so that it is differentially private for each person in the data.

    Args:
        model: An ``nn.Sequential`` of Linear, Conv2d, LayerNorm and Embedding layers, of activations, pooling
            and Flatten. It is trained in place, in double precision.
        epsilon: Privacy loss of the run; text, a number or a Fraction; no default.
        delta: Chance of a larger loss, far below 1 over the number of people; no default.
        n_public: The number of people as it is publicly known.
        budget: A :class:`hedgerow.dp.Budget` to take the cost from; what is left is in ``budget_``.
        loss: ``"classes"`` for cross entropy (y are places of classes, and the model gives a score for each),
            ``"numbers"`` for half the squared error.
        clip: What one person may add to a gradient, in L2.
        batch_size: How many people a step sees on average.
        epochs: How often each person is seen on average.
        optimizer: Makes an optimizer of parameters; none for Adam with a step of 0.01. It sees noisy
            gradients alone, so any will do.

    Guarantee: after :meth:`fit`, the parameters are (epsilon, delta)-differentially private for adding or
        removing all rows of one person, given that what torch computes of one row does not depend on the
        rows beside it. Refusals speak of the data and are not.
    Source: Abadi et al. 2016, "Deep learning with differential privacy"; accounted by Mironov, Talwar, Zhang
        2019 at whole orders, where it holds for discrete noise (ADR 23).
    """

    def __init__(  # noqa: PLR0913 - the settings of a run
        self,
        model: torch.nn.Module,
        *,
        epsilon: Exact | None = None,
        delta: Exact | None = None,
        n_public: int | None = None,
        budget: Budget | None = None,
        loss: str = "classes",
        clip: float = 1.0,
        batch_size: int = 256,
        epochs: int = 3,
        optimizer: Callable[[Any], torch.optim.Optimizer] | None = None,
    ) -> None:
        self.model = model
        self.epsilon = epsilon
        self.delta = delta
        self.n_public = n_public
        self.budget = budget
        self.loss = loss
        self.clip = clip
        self.batch_size = batch_size
        self.epochs = epochs
        self.optimizer = optimizer
        self.budget_: Budget | None = None

    def __repr__(self) -> str:
        """Name what it costs; nothing of the data or the model's numbers."""
        return f"DPTrainer(epsilon={self.epsilon!r}, delta={self.delta!r}, n_public={self.n_public!r})"

    @property
    def standing_(self) -> str:
        """Say that no ledger knows of the training."""
        return UNGOVERNED

    def fit(self, X: Any, y: Any, person: Any = None) -> DPTrainer:  # noqa: ANN401, N803 - as the estimators
        """Train, and take the cost off the budget before a gradient is summed.

        Args:
            X: What goes into the model, a row for each record: an array or a tensor of finite numbers.
            y: The place of each row's class, or its numbers.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same trainer, with ``budget_``; the model is trained.

        Raises:
            Refused: ``learn.unsupported-layer``, ``learn.undeclared``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small``, ``learn.too-large`` or
                ``dp.budget-other-unit``; nothing was spent where there is no ``budget_``.
            CallerError: When a parameter or the data is malformed; nothing was spent.
            Fault: ``extra.missing`` without the extras ``ml`` and ``dp``.
        """
        layers = layers_of(self.model)
        wish, budget = declared.wish_of(self.epsilon, self.delta), declared.checked_budget(self.budget)
        run = self._run()
        rows, aims = self._read(X, y)
        owners = arrays.people(person, len(rows))
        people = len(rows) if owners is None else int(owners.max()) + 1
        if people * float(run.bound) > SUM_MOST:
            most = f"{int(SUM_MOST) // run.bound:,}"
            raise Refused("learn.too-large", what="people at this clip", number=f"{people:,}", most=most)
        noise = self._noise(wish, run)
        # Noted at once: a run that breaks off has changed the model by what its steps released.
        with spending(self, budget, wish, noise), _few_threads(layers, self.batch_size):
            self._descend(rows, aims, owners, layers, run, noise)
        return self

    def _run(self) -> _Run:
        people = declared.public_people(self.n_public, PEOPLE_MOST)
        sampling = sampling_of(self.batch_size, self.epochs, people)
        bound = int(declared.positive(self.clip, "clip", _CLIP_MOST) * UNIT)
        if self.loss not in _LOSSES or bound < 1:
            name, advice = ("clip", "Give a larger one.") if bound < 1 else ("loss", f"One of {_LOSSES}.")
            raise CallerError("learn.bad-parameter", parameter=name, advice=advice)
        return _Run(sampling, bound, float(sampling.chance * people) * UNIT)

    def _noise(self, wish: Wish, run: _Run) -> Noise:
        numbers = sum(each.numel() for each in self.model.parameters())
        return sampled_noise(wish, run.bound, run.sampling, numbers)

    def _read(self, values: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401 - as fit
        torch = torch_library()
        rows = torch.as_tensor(values)
        if rows.ndim < 1 or not len(rows):
            raise arrays.UnreadableError("learn.bad-shape", name="X", problem="it has no rows")
        if not bool(torch.isfinite(rows).all()):
            raise arrays.UnreadableError("learn.not-finite", name="X")
        # Places of an embedding stay whole numbers.
        rows = rows.to(torch.float64) if rows.is_floating_point() else rows.to(torch.int64)
        aims = torch.as_tensor(y)
        if len(aims) != len(rows) or not bool(torch.isfinite(aims).all()):
            raise arrays.UnreadableError(
                "learn.bad-shape", name="y", problem="not one value for each row of X"
            )
        return rows, aims.to(torch.int64 if self.loss == "classes" else torch.float64)

    def _descend(
        self,
        rows: torch.Tensor,
        aims: torch.Tensor,
        owners: npt.NDArray[np.int64] | None,
        layers: list[torch.nn.Module],
        run: _Run,
        noise: Noise,
    ) -> None:
        torch = torch_library()
        self.model.double().train()
        make = self.optimizer or (lambda parameters: torch.optim.Adam(parameters, lr=0.01))
        optimizer = make(self.model.parameters())
        people = len(rows) if owners is None else int(owners.max()) + 1
        for _ in range(run.sampling.steps):
            chosen = poisson_sample(people, run.sampling.chance)
            places, whose = _rows_of(chosen, owners)
            exact = self._exact(rows[places], aims[places], whose, len(chosen), layers, run.bound)
            flat = torch.from_numpy(noise.add(exact)).to(torch.float64) / run.divisor
            _put(layers, flat)
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _exact(
        self,
        rows: torch.Tensor,
        aims: torch.Tensor,
        whose: torch.Tensor | None,
        people: int,
        layers: list[torch.nn.Module],
        bound: int,
    ) -> npt.NDArray[np.int64]:
        """Add up the bounded parts of those who take part; no noise is in it, so it stays inside."""
        torch = torch_library()
        if not len(rows):
            return np.zeros(sum(p.numel() for part in layers for p in part.parameters()), dtype=np.int64)

        def lost() -> Any:  # noqa: ANN401 - a tensor
            given = self.model(rows)
            if self.loss == "classes":
                return torch.nn.functional.cross_entropy(given, aims, reduction="sum")
            return (given.reshape(aims.shape) - aims).square().sum() / 2

        return bounded_sums(captures_of(self.model, layers, lost, len(rows)), whose, people, bound)


@contextmanager
def _few_threads(layers: list[Any], rows: int) -> Iterator[None]:
    """Let small steps be taken by one thread: several would wait for each other longer than they work."""
    torch = torch_library()
    threads, size = torch.get_num_threads(), sum(p.numel() for part in layers for p in part.parameters())
    if size * rows < _WORTH_THREADS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _rows_of(
    chosen: npt.NDArray[np.int64], owners: npt.NDArray[np.int64] | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Tell which rows the chosen people have, and whose each is, numbered by their place among the chosen."""
    torch = torch_library()
    if owners is None:
        return torch.from_numpy(chosen), None
    numbers = np.full(int(owners.max()) + 1, -1)
    numbers[chosen] = np.arange(len(chosen))
    places = np.flatnonzero(numbers[owners] >= 0)
    return torch.from_numpy(places), torch.from_numpy(numbers[owners[places]])


def _put(layers: list[Any], flat: torch.Tensor) -> None:
    """Give each parameter its part of a noisy gradient."""
    start = 0
    for layer in layers:
        for parameter in layer.parameters():
            parameter.grad = flat[start : start + parameter.numel()].reshape(parameter.shape).clone()
            start += parameter.numel()
