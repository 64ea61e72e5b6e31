"""Training: models through the gate, into files."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from hedgerow.app.outputs import check_out, write_out
from hedgerow.app.service.asking import Asking
from hedgerow.app.service.base import Progress, need_purpose, quiet
from hedgerow.model.errors import CallerError
from hedgerow.model.records import Request
from hedgerow.model.uses import Json, UseRequest
from hedgerow.model.words import many
from hedgerow.spine.gate import new_request_id

DELTA = "1e-6"
_LAYERS_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A wish to train a model.

    Args:
        dataset: The data set.
        model: The kind of model.
        epsilon: What the run may cost, exact decimal text.
        target: The column to predict.
        features: The columns to learn from; none for all that are declared.
        delta: Chance of a larger loss, decimal text.
        people: How many people there publicly are; none to have it measured.
        accuracy: Epsilon of an accuracy on people held out; none for no accuracy.
        tune: Whether settings are chosen.
        batch: How many people a step sees on average; none for everybody.
        epochs: With batches: how often each person is seen on average; none for 3 times.
        layers: The layers of a PyTorch model, as plain values; none for other kinds.
        fresh: Pay for a new model also where the same one was trained before, which is given again at no cost
            else.
    """

    dataset: str
    model: str
    epsilon: str
    target: str | None = None
    features: Sequence[str] | None = None
    delta: str = DELTA
    people: int | None = None
    accuracy: str | None = None
    tune: bool = False
    batch: int | None = None
    epochs: int | None = None
    fresh: bool = False
    layers: Sequence[Json] | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where results are written; none for nowhere.

    Args:
        out: The model file.
        card: The model card, Markdown or, by its suffix ``.html``, HTML.
        force: Overwrite them.
    """

    out: Path | None = None
    card: Path | None = None
    force: bool = False

    def check(self) -> None:
        """Refuse what cannot be written, before anything is spent.

        Raises:
            CallerError: ``out.*``.
        """
        for place in (self.out, self.card):
            if place is not None:
                check_out(place, force=self.force)
        if self.card is not None and self.card == self.out:
            raise CallerError("out.exists", out=self.card)


def model_named(name: str) -> tuple[str, list[Json] | None]:
    """Read what kind of model is asked for, with its layers where a file tells them.

    Args:
        name: A kind of model, or ``torch:FILE`` with a file of JSON that lists layers.

    Returns:
        The kind, and the layers.

    Raises:
        CallerError: ``file.missing``, or ``train.bad-layers`` for a file that holds no such list.

    Guarantee: the file is read as text; nothing in it is executed.
    """
    from hedgerow.techniques.dp_train.modules import plain_number

    kind, _, path = name.partition(":")
    if kind != "torch" or not path:
        return name, None
    try:
        content = Path(path).read_bytes()
    except OSError:
        raise CallerError("file.missing", path=path) from None
    try:
        told = json.loads(content[:_LAYERS_BYTES])
        return kind, [{name: plain_number(value) for name, value in each.items()} for each in told]
    except (ValueError, TypeError, AttributeError, RecursionError):
        problem = "the file is no JSON list of layers"
        raise CallerError("train.bad-layers", problem=problem) from None


def named_or_described(model: Any) -> tuple[str, list[Json] | None]:  # noqa: ANN401 - text, or a module of torch
    """Take a kind of model by name, or a module of PyTorch by its layers.

    Args:
        model: A name as :func:`model_named` takes it, or an ``nn.Sequential``.

    Returns:
        The kind, and the layers.

    Raises:
        Refused: ``learn.unsupported-layer`` for a module of other layers.
        CallerError: As :func:`model_named`; ``train.model-unknown`` for what is neither.
    """
    from hedgerow.techniques.dp_train import kinds, modules

    if isinstance(model, str):
        return model_named(model)
    if not hasattr(model, "named_parameters"):
        kinds.kind_of(type(model).__name__)
    return "torch", list(modules.described(model))


class Training(Asking):
    """Models are trained, privately."""

    def _train_request(self, asked: TrainRequest, purpose: str | None, request_id: str | None) -> UseRequest:
        parameters: dict[str, Json] = {
            "model": asked.model,
            "target": asked.target,
            "features": list(asked.features) if asked.features is not None else None,
            # Numbers from Python count as the decimals they print as.
            "epsilon": str(asked.epsilon),
            "delta": str(asked.delta),
            "people": asked.people,
            "accuracy": str(asked.accuracy) if asked.accuracy is not None else None,
            "tune": asked.tune,
        }
        # What was not asked for stands in no request: an id that is older than the option means the same.
        parameters |= {
            name: told for name in ("batch", "epochs", "layers") if (told := getattr(asked, name)) is not None
        }
        known = request_id or new_request_id()
        return UseRequest(self.actor, need_purpose(purpose), asked.dataset, parameters, known, asked.fresh)

    def explain_train(self, asked: TrainRequest, *, purpose: str | None) -> dict[str, Json]:
        """Say what a run would be decided, cost and do, without executing it."""
        return self._explained(self._train_request(asked, purpose, None), self.spine.train)

    def train(
        self,
        asked: TrainRequest,
        *,
        purpose: str | None,
        places: Places | None = None,
        request_id: str | None = None,
        progress: Progress = quiet,
        is_kept: bool = True,
    ) -> dict[str, Json]:
        """Train a model.

        Args:
            asked: What to train.
            purpose: Why.
            places: Where the model and its card are written.
            request_id: Repeating it returns the same model, at no cost.
            progress: Told each step.
            is_kept: Whether whoever calls keeps the model that is returned; else it must be written.

        Returns:
            ``model`` (what was released), ``card``, its ``title`` (``named``: with article) and ``summary``
            (pairs of heading and line), where files were written (``out``, ``card_out``) and the receipt.

        Raises:
            Refused: By policy, budget or declaration; nothing was spent then.
            CallerError: ``out.*`` and ``train.no-out`` before anything is spent; ``out.not-written`` when the
                model was trained and its file could not be written: repeating the request writes it.
        """
        from hedgerow.techniques.dp_train.card import full_card, rows_of, title_of, with_article

        wanted = places or Places()
        wanted.check()
        if not is_kept and wanted.out is None and not self._was_trained(request_id):
            raise CallerError("train.no-out")
        request = self._train_request(asked, purpose, request_id)
        progress(f"training {asked.model} on {asked.dataset}")
        receipt = self.spine.gate.use(request, self.spine.train)
        payload = receipt.release.payload
        kept = self._receipt(receipt, self.spine.train.action, asked.dataset)
        told = self._told(request, kept)
        card = full_card({**payload, "receipt": told})
        progress("writing")
        self._write({**payload, "receipt": told}, card, wanted, request.request_id)
        return {
            "model": payload,
            "card": card,
            "title": title_of(payload),
            "named": with_article(title_of(payload)),
            "summary": [[heading, line] for heading, lines in rows_of(card) for line in lines],
            "out": str(wanted.out) if wanted.out else None,
            "card_out": str(wanted.card) if wanted.card else None,
            "receipt": kept,
        }

    def _was_trained(self, request_id: str | None) -> bool:
        """Tell whether a request id is known, so that nothing is spent under it."""
        with self.spine.store.read() as reader:
            return request_id is not None and reader.get(Request, request_id) is not None

    def _told(self, request: UseRequest, kept: Mapping[str, Json]) -> dict[str, Json]:
        """Say beside a model what is left, and where the journal tells of it."""
        own = cast("Mapping[str, Mapping[str, Json]]", kept["budget"])["own"]
        told: dict[str, Json] = {name: kept[name] for name in ("request_id", "entry", "fingerprint")}
        cost = self.spine.gate.explain(replace(request, fresh=True), self.spine.train).cost
        with self.spine.store.read() as reader:
            record = reader.get(Request, request.request_id)
            balance = self.spine.ledger.balance(reader, request.dataset, request.purpose)
        more = 0 if cost is None else balance.more(cost)
        told["left"] = (
            f"{many(more, 'such run')}, or epsilon {own['left']} in one use without noise of this kind, of "
            f"{own['limit']} for {own['purpose']}"
        )
        if record is not None and self._permits("release.risk", request.dataset):
            # It counts changes of the data, which not everybody may know.
            told["dataset_version"] = record.dataset_version
        return told

    def _write(self, model: Mapping[str, Json], card: Mapping[str, Json], places: Places, again: str) -> None:
        from hedgerow.techniques.dp_train.card import html, markdown, title_of

        try:
            if places.out is not None:
                body = json.dumps(model, ensure_ascii=False, indent=1) + "\n"
                write_out(places.out, body.encode(), force=places.force)
            if places.card is not None:
                shown = html if places.card.suffix == ".html" else markdown
                write_out(places.card, shown(title_of(model), card).encode(), force=places.force)
        except CallerError:
            out = places.out or places.card
            raise CallerError("out.not-written", out=out, request=shlex.quote(again)) from None
