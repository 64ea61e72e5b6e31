"""The model card: what was trained, for what, on what, how protected, and what that does not protect."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, cast

from hedgerow.model.budget import show_chance, show_exact
from hedgerow.model.uses import Json

if TYPE_CHECKING:
    from hedgerow.techniques.dp_train.governed import TrainPlan
    from hedgerow.techniques.dp_train.trainable import Settings

LIMITS = (
    "What holds for people of a kind is learnt: a model is for that, also of those never in the data.",
    "It hides one person. What many share, as a household or a firm, shows the more the more they are.",
    "Bounds and classes are as the owner declared them; declared by looking at the data, they tell of it.",
    "How long training took, and that it was done at all, is not hidden.",
    "A private model need not be fair or right: of groups that are small beside the noise it knows little.",
)
_UNMEASURED = "Not measured: training accuracy is never told, for it would tell of people."
_MEASURABLE = f"{_UNMEASURED} `--holdout-epsilon` pays for an accuracy on people held out."
# Kinds of models as they are written in sentences, where that is not their name.
_NAMED = {"mlp": "MLP", "gbdt": "GBDT", "pca": "PCA", "kmeans": "k-means", "torch": "PyTorch"}
_CARD_TITLES = {
    "purpose": "Purpose",
    "intended_use": "Intended use",
    "dataset": "Data set",
    "declaration": "Version of its declaration",
    "dataset_version": "Version of the data set",
    "unit": "Privacy unit",
    "max_rows": "Rows of a person that count",
    "bounds": "Bounds and categories, as declared",
    "clipped": "One person's part is cut to",
    "mechanism": "Mechanism",
    "noise": "Noise of a step",
    "settings": "Settings",
    "fits": "Models trained",
    "people": "People, for the divisor",
    "cost": "Cost",
    "left": "Left of the budget",
    "accuracy": "Accuracy",
    "expected": "What to expect",
    "receipt": "Receipt",
    "limits": "What it does not protect",
}


def card_of(
    plan: TrainPlan, people: int, settings: Settings, measured: Mapping[str, Json] | None
) -> dict[str, Json]:
    """Write the card; nothing in it is of the data but what was paid for.

    Args:
        plan: The run.
        people: The public or measured number of people.
        settings: What the model was trained with.
        measured: The accuracy that was paid for.

    Returns:
        Plain values by the names of ``_CARD_TITLES``.
    """
    counts = plan.kind.needs_people
    measured_text = f"about {people:,}, measured with noise"
    shown = measured_text if plan.shares.count else f"{plan.people or 0:,}, as publicly known"
    return {
        "purpose": plan.purpose,
        "intended_use": f"To serve the purpose {plan.purpose}; another needs a basis and a run of its own.",
        "dataset": plan.dataset,
        "declaration": plan.declaration,
        "unit": "person: all rows of one person, added or removed",
        "max_rows": plan.inputs.max_rows,
        "bounds": _bounds(plan),
        "clipped": plan.kind.clipped,
        "mechanism": plan.kind.mechanism,
        "noise": plan.noise.told,
        "settings": {name: str(value) for name, value in settings.items()} or "the defaults",
        "fits": len(plan.settings),
        "people": shown if counts else None,
        "cost": {
            "epsilon": show_exact(plan.wish.epsilon, 12),
            "delta": show_chance(plan.wish.delta),
            "measuring accuracy": f"epsilon {show_exact(plan.accuracy, 12)}"
            if plan.accuracy
            else "not paid for",
        },
        "accuracy": _accuracy(plan, measured),
        "expected": _expected(plan),
        "limits": list(LIMITS),
    }


def _bounds(plan: TrainPlan) -> dict[str, Json]:
    told: dict[str, Json] = {d.column: f"{len(d.values)} categories" for d in plan.inputs.categories}
    told |= {n: f"{show(c.lower)} to {show(c.upper)}" for n, c in plan.inputs.numbers}
    target = plan.inputs.target
    if target is not None and target.clamp is not None:
        told[target.column] = f"{show(target.clamp.lower)} to {show(target.clamp.upper)}"
    elif target is not None:
        told[target.column] = f"{len(target.classes)} classes"
    return told


def show(value: Any) -> str:  # noqa: ANN401 - a fraction
    """Render a bound, which may be below zero."""
    return f"-{show_exact(-value)}" if value < 0 else show_exact(value)


def _accuracy(plan: TrainPlan, measured: Mapping[str, Json] | None) -> str:
    if measured is None and plan.kind.aim == "none":
        return "Not measured: this kind of model predicts nothing that could be right or wrong."
    if measured is None:
        # By batches, and where a noise has no exact rho, accuracy cannot be paid for beside.
        return _UNMEASURED if plan.noise.rho is None else _MEASURABLE
    if measured["share"] is None:
        return "Measured, but too few people were held out for this noise to say anything."
    what = (
        "right"
        if plan.inputs.target and plan.inputs.target.clamp is None
        else "right, where off by the whole width of the bounds is none"
    )
    return (
        f"{measured['share']} {what}, ± {measured['half_width_95']} in 95 of 100 runs by the noise alone, on "
        "one row of each of about a fifth of the people, who were held out; epsilon "
        f"{show_exact(plan.accuracy, 12)}"
    )


def _expected(plan: TrainPlan) -> str:
    """Say what to expect by the noise alone; nothing is spent for it."""
    return (
        f"Each number that a step measures has noise of {plan.noise.told}: what fewer people than a few "
        "times that many have in common hardly shows. Saying this cost nothing."
    )


def full_card(told: Mapping[str, Any]) -> dict[str, Any]:
    """Put the card of a model file together with what stands beside it.

    Args:
        told: A model file, with or without a receipt.

    Returns:
        The card with what was left of the budget and where the journal tells of the run.
    """
    kept, card = told.get("receipt") or {}, dict(told["card"])
    card |= {name: kept[name] for name in ("left", "dataset_version") if name in kept}
    if "entry" in kept:
        card["receipt"] = f"request {kept['request_id']}, journal entry {kept['entry']}"
    return card


def rows_of(card: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Lay a card out.

    Args:
        card: A card.

    Returns:
        Each title with its lines.
    """
    return [(title, _lines(card[name])) for name, title in _CARD_TITLES.items() if card.get(name) is not None]


def _lines(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {told}" for name, told in value.items() if told is not None]
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return [str(value)]


def markdown(title: str, card: Mapping[str, Any]) -> str:
    """Write a card as Markdown.

    Args:
        title: Its heading.
        card: The card.

    Returns:
        The text; what a name in it would mean to Markdown is taken from it.
    """
    parts = [f"# {_plain(title)}\n"]
    for heading, lines in rows_of(card):
        parts += [f"## {heading}\n", *(f"* {_plain(line)}" for line in lines), ""]
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Escape what Markdown or HTML would read as theirs; a card is one line for each fact."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\*_[]<>#|" else c for c in flat)


def html(title: str, card: Mapping[str, Any]) -> str:
    """Write a card as a section of HTML that needs nothing else.

    Args:
        title: Its heading.
        card: The card.

    Returns:
        A whole page with one section.
    """
    body = "".join(
        f"<dt>{escape(heading)}</dt>" + "".join(f"<dd>{escape(line)}</dd>" for line in lines)
        for heading, lines in rows_of(card)
    )
    shown = escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{shown}</title></head>\n'
        f"<body><section><h1>{shown}</h1><dl>{body}</dl></section></body></html>\n"
    )


def title_of(payload: Mapping[str, Any]) -> str:
    """Name a model for its card.

    Args:
        payload: What a run released.

    Returns:
        For example ``logistic model of smoker``.
    """
    target = cast("Mapping[str, Any] | None", payload.get("target"))
    named = _NAMED.get(str(payload["model"]), payload["model"])
    return f"{named} model" + (f" of {target['name']}" if target else "")


def with_article(title: str) -> str:
    """Put ``A`` or ``An`` before a title, as it is said.

    Args:
        title: As :func:`title_of` gives it.

    Returns:
        For example ``An MLP model of smoker``.
    """
    return f"{'An' if title.startswith('MLP') else 'A'} {title}"
