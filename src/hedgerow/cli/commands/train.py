"""``train`` and ``predict``: private models of a data set, and what they say of rows of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from hedgerow.cli.common import (
    example,
    explain_option,
    in_space,
    json_option,
    names,
    out_options,
    purpose_option,
    request_id_option,
)
from hedgerow.cli.screen import Screen, facts

if TYPE_CHECKING:
    from hedgerow.app.service.training import TrainRequest
    from hedgerow.app.space import Session

_FILE = click.Path(path_type=Path)
_SHOWN = ("Cost", "Left of the budget", "Accuracy", "What to expect", "Receipt")


class Options(TypedDict):
    """The options of ``train``."""

    target: str | None
    model: str
    epsilon: str
    delta: str
    purpose: str | None
    features: str | None
    people: int | None
    holdout_epsilon: str | None
    tune: bool
    batch: int | None
    epochs: int | None
    fresh: bool
    card: Path | None
    request_id: str | None
    explain: bool
    out: Path | None
    force: bool


@click.command()
@click.argument("dataset")
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option(
    "--model",
    required=True,
    metavar="KIND",
    help="Kind: logistic, linear, mlp, gbdt, tree, kmeans, pca, recommender, or torch:FILE (layers as JSON).",
)
@purpose_option
@click.option(
    "--epsilon",
    required=True,
    metavar="E",
    help="What the run may cost of the privacy budget, for example 1.",
)
@click.option(
    "--delta", default="1e-6", show_default=True, metavar="D",
    help="Chance of a larger loss; far below 1 over the number of people.",
)  # fmt: skip
@click.option(
    "--features", metavar="A,B", help="Columns to learn from.  [default: all that the owner declared]"
)
@click.option(
    "--people", type=int, metavar="N",
    help="How many people there publicly are, a round figure.  [default: measured, a fiftieth of the cost]",
)  # fmt: skip
@click.option(
    "--holdout-epsilon", metavar="E",
    help="Pay so much more for an accuracy on about a fifth of the people, who are held out.",
)  # fmt: skip
@click.option(
    "--tune",
    is_flag=True,
    help="Train with several settings and choose, within --epsilon, on people held out.",
)
@click.option(
    "--batch", type=int, metavar="N",
    help="Show each step a random part of the people, N on average; for long tables. Wants --people.",
)  # fmt: skip
@click.option(
    "--epochs", type=int, metavar="N",
    help="With --batch: how often each person is seen on average.  [default: 3]",
)  # fmt: skip
@click.option(
    "--fresh",
    is_flag=True,
    help="Pay for a new model also where the same was trained before; else that is given again at no cost.",
)
@click.option(
    "--card",
    type=_FILE,
    metavar="PATH",
    help="Write the model card too: Markdown, or HTML by its suffix .html.",
)
@request_id_option
@explain_option
@out_options("The model file to write.", required=False)
@in_space
@example(
    "hedgerow train visits --target returned --model logistic --purpose research \\",
    "    --epsilon 1 --out returned.json --as analyst1",
)
def train(session: Session, screen: Screen, dataset: str, **options: Unpack[Options]) -> None:
    """Train a private model on DATASET.

    Noise in training hides each person: the model would look much the same without any one of them. Bounds,
    categories and classes come from what the owner declared (`hedgerow dataset declare`), never from data.
    The model file holds numbers, declarations and a model card; `hedgerow predict` and
    `hedgerow.learn.load` read it. The budget needs a delta (`hedgerow budget allocate --delta`).
    """
    from hedgerow.app.service.training import Places

    asked = _asked(dataset, options)
    if options["explain"]:
        decision = session.service.explain_train(asked, purpose=options["purpose"])
        screen.decision(decision, forecast=_forecast(decision))
        return
    made = session.service.train(
        asked,
        purpose=options["purpose"],
        places=Places(options["out"], options["card"], options["force"]),
        request_id=options["request_id"],
        progress=screen.progress,
        is_kept=screen.as_json,
    )
    screen.result(made, _shown(made, screen.width()))


def _forecast(decision: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    told = decision.get("forecast")
    return f"{many(told['queries_left'], 'such run')} left" if told else ""


def _asked(dataset: str, options: Options) -> TrainRequest:
    from hedgerow.app.service.training import TrainRequest, model_named

    kind, layers = model_named(options["model"])
    return TrainRequest(
        dataset,
        kind,
        options["epsilon"],
        options["target"],
        names(options["features"]) if options["features"] is not None else None,
        options["delta"],
        options["people"],
        options["holdout_epsilon"],
        options["tune"],
        options["batch"],
        options["epochs"],
        options["fresh"],
        layers,
    )


def _shown(made: dict[str, Any], width: int | None) -> str:
    where = [f"written to {made['out']}"] if made["out"] else []
    where += [f"its card to {made['card_out']}"] if made["card_out"] else []
    before = " It was trained before; nothing was spent."
    stored = " The same was trained before; nothing was spent, --fresh pays for a new one."
    again = {"new": "", "stored": stored}.get(made["receipt"]["from"], before)
    told = [(heading, line) for heading, line in made["summary"] if heading in _SHOWN]
    first = f"{made['named']}{', ' + ' and '.join(where) if where else ''}.{again}"
    return f"{first}\n{facts(told, width)}"


@click.command()
@click.argument("model", type=_FILE)
@click.option(
    "--from",
    "rows",
    required=True,
    type=_FILE,
    metavar="FILE",
    help="Rows of your own: CSV, JSONL or Parquet.",
)
@click.option("--keep", default="", metavar="A,B", help="Columns to copy beside the predictions.")
@out_options("The CSV of predictions to write.")
@json_option
@example("hedgerow predict returned.json --from new.csv --keep pid --out predictions.csv")
def predict(*, model: Path, rows: Path, keep: str, out: Path, force: bool, as_json: bool) -> None:
    """Predict for rows of a file, by a MODEL file that `hedgerow train --out` wrote.

    It opens no workspace and costs nothing: the model is private already. A value that is missing, or that
    the model does not know, counts as missing; the order of the rows stays.
    """
    from hedgerow.app.predicting import predict_file
    from hedgerow.model.words import many

    with Screen(as_json=as_json) as screen:
        screen.progress("predicting")
        made: dict[str, Any] = predict_file(model, rows, out, keep=names(keep), force=force)
        ignored = f"\nNot read: {', '.join(made['not_read'])}." if made["not_read"] else ""
        told = f"\n{many(made['broken'], 'row')} could not be read and were left out."
        broken = told if made["broken"] else ""
        screen.result(made, f"{many(made['rows'], 'prediction')} written to {out}.{ignored}{broken}")
