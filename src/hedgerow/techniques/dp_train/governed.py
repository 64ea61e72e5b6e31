"""Training as the gate knows it: planned by declarations, run on a lease, released as a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.noise import add_gaussian, choice_scale, choose, gaussian_scale
from hedgerow.model.budget import (
    ApproximateEvent,
    PrivacyEvent,
    PureEvent,
    ZcdpEvent,
    parse_delta,
    parse_exact,
    show_chance,
    show_exact,
)
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.uses import DatasetView, Grant, Json, Lease, Plan, Release, UseRequest
from hedgerow.techniques.dp_train import accuracy
from hedgerow.techniques.dp_train.card import card_of
from hedgerow.techniques.dp_train.inputs import Inputs, inputs_of
from hedgerow.techniques.dp_train.kinds import KINDS, kind_of
from hedgerow.techniques.dp_train.modelfile import FORMAT
from hedgerow.techniques.dp_train.paying import Noise, Wish
from hedgerow.techniques.dp_train.prepared import HELD_OUT, Prepared, prepare
from hedgerow.techniques.dp_train.shares import Shares, shares_of
from hedgerow.techniques.dp_train.sums import PEOPLE_MOST
from hedgerow.techniques.dp_train.trainable import UNBOUND, Kind, Settings, Trained, quoted


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """A run, all of it fixed before data is opened.

    Args:
        model: Name of the kind of model.
        kind: The kind.
        inputs: What is read.
        wish: What the run may cost, without accuracy.
        accuracy: Epsilon of measuring accuracy; 0 for not measuring it.
        people: How many people there publicly are; none to measure it.
        settings: What is trained with; several to choose among.
        shares: What each part costs.
        noise: The noise of a fit.
        dataset: Name of the data set.
        purpose: Why.
        declaration: Version of the declaration.
    """

    model: str
    kind: Kind
    inputs: Inputs
    wish: Wish
    accuracy: Fraction
    people: int | None
    settings: tuple[Settings, ...]
    shares: Shares
    noise: Noise
    dataset: str
    purpose: str
    declaration: int

    @property
    def grant(self) -> Grant:
        """The columns of the run, as rows: they go into sums and none of them leaves."""
        return Grant(self.inputs.columns, "rows")

    @property
    def cost(self) -> PrivacyEvent:
        """What all parts cost together: an exact rho, or epsilon but for delta where there is none."""
        if self.noise.rho is None:
            return ApproximateEvent(self.noise.event or PureEvent(self.wish.epsilon), self.wish.delta)
        return ZcdpEvent(self.shares.fits * self.noise.rho + self.shares.beside)

    def describe(self) -> Mapping[str, Json]:
        """Explain the run before anything is spent."""
        target = self.inputs.target
        return {
            "technique": "private training",
            "model": self.model,
            "target": target.column if target else None,
            "features": list(self.inputs.features),
            "left out": list(self.inputs.left_out),
            "unit": "person",
            "rows of a person that count": self.inputs.max_rows,
            "people": self.people if self.people is not None else _measured(self),
            "mechanism": self.kind.mechanism,
            "noise of a step": self.noise.told,
            "epsilon": show_exact(self.wish.epsilon, 12),
            "delta": show_chance(self.wish.delta),
            "batches": _batches(self),
            "fits": self.shares.fits,
            "accuracy": f"epsilon {show_exact(self.accuracy, 12)}" if self.accuracy else "not measured",
        }


def _batches(plan: TrainPlan) -> str | None:
    run = plan.noise.event
    if run is None:
        return None
    return f"{run.steps:,} steps, each person in each with a chance of {float(run.rate):.3g}, drawn alone"


def _measured(plan: TrainPlan) -> str | None:
    return "measured, a fiftieth of the run" if plan.shares.count else None


class DpTrain:
    """Differentially private training on the people whose basis covers the purpose."""

    name = "dp_train"
    action = "train"

    def plan(self, request: UseRequest, dataset: DatasetView) -> TrainPlan:
        """Plan the run in ``request.parameters``.

        Args:
            request: ``model``, ``epsilon`` and ``delta`` (text), and optionally ``target``, ``features``
                (names), ``people`` (a whole number), ``accuracy`` (text) and ``tune``.
            dataset: Columns and declarations; no value.

        Returns:
            The plan.

        Raises:
            Refused: When something is not declared, or cannot be bounded.
            CallerError: When the request is malformed.
        """
        asked = request.parameters
        kind = kind_of(asked.get("model"))
        target = asked.get("target")
        features = cast("Sequence[str] | None", asked.get("features"))
        inputs = inputs_of(dataset, str(target) if target else None, features, aim=kind.aim)
        wish = Wish(parse_exact(str(asked["epsilon"]), "--epsilon"), parse_delta(str(asked["delta"])))
        measured = asked.get("accuracy")
        told = parse_exact(str(measured), "--holdout-epsilon") if measured else Fraction(0)
        people = _people(asked.get("people"))
        settings = _settings(kind, asked, people)
        _check_accuracy(kind, told, is_tuned=bool(asked.get("tune")))
        counts = kind.needs_people and people is None
        shares = shares_of(wish, told, fits=len(settings), counts=counts)
        # How many people there are decides what sums are divided by, and nothing of what a run costs.
        quotes = [quoted(kind, inputs, shares.fit, people or 1, each) for each in settings]
        if any(quote.rho is None for quote in quotes) and (shares.beside or shares.fits > 1):
            raise Refused("train.inexact")
        noise = max(quotes, key=lambda quote: quote.rho or 0)
        return TrainPlan(
            str(asked["model"]), kind, inputs, wish, told, people, settings, shares, noise,
            dataset.name, request.purpose, dataset.declaration.version,
        )  # fmt: skip

    def question(self, plan: Plan) -> object:
        """Tell all that a model depends on beside the data, and beside chance.

        Args:
            plan: A plan this technique made.

        Returns:
            What is read, by which declaration, with which settings, and at what cost.
        """
        asked = cast("TrainPlan", plan)
        settings = [dict(each) for each in asked.settings]
        about = (asked.model, asked.inputs, asked.wish, asked.accuracy, asked.people, settings)
        return (FORMAT, *about, asked.declaration, asked.cost)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Train on a lease.

        Args:
            lease: Opens rows of the covered people.
            plan: A plan this technique made.

        Returns:
            The model as canonical plain values; read it back with ``modelfile.model_of``.

        Guarantee: everything released is differentially private for all rows of one person, at the plan's
            cost: names and declarations are public, numbers are noisy or follow from noisy ones.
        """
        asked = cast("TrainPlan", plan)
        rows = prepare(lease.rows(), asked.inputs)
        if asked.accuracy or asked.shares.fits > 1:
            rows, held = rows.parted()
        else:
            held = rows.of(np.zeros(rows.people, dtype=bool))
        people = _counted(rows, asked)
        fitted = [_fitted(rows, asked, people, settings) for settings in asked.settings]
        place = _chosen(fitted, held, asked)
        measured = accuracy.measured(fitted[place], held, asked.inputs, asked.shares.accuracy)
        payload: dict[str, Json] = {
            "format": FORMAT,
            "model": asked.model,
            "target": asked.inputs.target.as_json() if asked.inputs.target else None,
            "columns": asked.inputs.as_json(),
            "state": asked.kind.keep(fitted[place]),
            "card": card_of(asked, people, asked.settings[place], measured),
        }
        return Release(payload, f"{asked.model}: {asked.kind.mechanism}")


def _people(told: Json) -> int | None:
    if told is None:
        return None
    if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= PEOPLE_MOST:
        raise CallerError("train.people", most=f"{PEOPLE_MOST:,}")
    return told


def _settings(kind: Kind, asked: Mapping[str, Json], people: int | None) -> tuple[Settings, ...]:
    """Choose what is trained with; who takes part in a step must not depend on how many people there are."""
    candidates = kind.candidates if asked.get("tune") else kind.candidates[:1]
    batch, epochs, layers = (asked.get(name) for name in ("batch", "epochs", "layers"))
    if (layers is None) == (kind is KINDS["torch"]):
        raise CallerError("train.bad-layers", problem="layers are told of a PyTorch model, and of no other")
    if batch is None and kind.batch is not None:
        batch = min(kind.batch, people or kind.batch)
    if batch is None:
        if epochs is not None:
            raise CallerError("learn.bad-parameter", parameter="--epochs", advice="Give --batch with it.")
        return candidates
    if kind.batches is None:
        known = ", ".join(name for name, each in KINDS.items() if each.batches is not None)
        raise CallerError("train.no-batches", known=known)
    if people is None:
        raise Refused("train.inexact")
    told = {"batch_size": batch, "epochs": kind.batches if epochs is None else epochs}
    return (told if layers is None else told | {"layers": layers},)


def _check_accuracy(kind: Kind, told: Fraction, *, is_tuned: bool) -> None:
    if told and kind.aim == "none":
        raise CallerError("train.no-accuracy")
    if is_tuned and (len(kind.candidates) == 1 or kind.aim == "none"):
        raise CallerError("train.nothing-to-tune")


def _counted(rows: Prepared, plan: TrainPlan) -> int:
    """Tell how many people there are: as publicly known, or measured; those held out are taken off."""
    if not plan.shares.count:
        known = plan.people or 1
        return max(1, int(known * (1 - HELD_OUT))) if plan.accuracy or plan.shares.fits > 1 else known
    scale = gaussian_scale(1, plan.shares.count)
    found = add_gaussian([rows.people], 1, plan.shares.count, scale)[0]
    return min(max(found, 1), PEOPLE_MOST)


def _fitted(rows: Prepared, plan: TrainPlan, people: int, settings: Settings) -> Trained:
    """Train once, and hold what it spent against what was planned."""
    model: Trained = plan.kind.make(plan.inputs, plan.shares.fit, people, Budget(UNBOUND), settings)
    given = rows.with_nobody(plan.inputs.target)
    aims = None if plan.kind.aim == "none" else given.aims
    model.fit(plan.kind.given(plan.inputs, given.features), aims, person=given.owners)
    left, most = model.budget_, Fraction(0) if plan.noise.rho is not None else plan.wish.epsilon
    lost = UNBOUND.epsilon - left.limit.epsilon + left.spent.pure
    if left.spent.rho > (plan.noise.rho or 0) or lost > most:
        raise Fault("train.overspent")
    return model


def _chosen(fitted: Sequence[Trained], held: Prepared, plan: TrainPlan) -> int:
    """Choose the model that does best on those held out, privately.

    Source: permute and flip (McKenna, Sheldon 2020) on models that were each paid for.
    """
    if len(fitted) == 1:
        return 0
    scores = [accuracy.score(model, held, plan.inputs) for model in fitted]
    scale = choice_scale(accuracy.UNIT, plan.shares.choice)
    return choose(scores, accuracy.UNIT, plan.shares.choice, scale)
