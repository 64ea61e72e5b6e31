"""``watch`` and ``running``: what goes on over time and is paid once, when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import (
    example,
    explain_option,
    gated,
    in_space,
    purpose_option,
    request_id_option,
    yes_option,
)
from hedgerow.cli.screen import Screen, facts, table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.app.space import Session

_WATCH, _RUNNING = "watch", "running"


@click.group()
def watch() -> None:
    """Threshold watches: ask as often as you like which counts or sums pass a threshold, for one price."""


@click.group()
def running() -> None:
    """Running counts: the total so far as rows arrive, for one price."""


@watch.command("open")
@click.argument("name")
@click.argument("dataset")
@click.option("--above", required=True, metavar="N", help="The threshold; it is public.")
@click.option(
    "--positives", type=int, default=1, show_default=True, metavar="N",
    help="How many times it may say yes; any number of noes comes with it.",
)  # fmt: skip
@click.option(
    "--of", default="COUNT(*)", show_default=True, metavar="STATISTIC",
    help="What will be asked: COUNT(*), COUNT(DISTINCT person) or SUM(column); the less one person moves it,"
    " the less noise.",
)  # fmt: skip
@click.option("--epsilon", required=True, metavar="E", help="What the whole watch costs, for example 1.")
@purpose_option
@request_id_option
@explain_option
@in_space
@example(
    "hedgerow watch open crowded visits --above 100 --positives 3 --epsilon 1 \\",
    "    --purpose research --as analyst1",
)
def open_watch(session: Session, screen: Screen, **options: Any) -> None:  # noqa: ANN401 - as declared above
    """Open the watch NAME over DATASET.

    The whole cost is charged now, before any row is read, and nothing after: questions are answered above or
    below until it said above --positives times. Both the threshold and each number have noise; --explain
    says how near to the threshold an answer may be wrong, and costs nothing.
    """
    _open(session, screen, _WATCH, ("above", "positives", "of", "epsilon"), options)


@running.command("open")
@click.argument("name")
@click.argument("dataset")
@click.option(
    "--steps", type=int, required=True, metavar="N", help="How many totals it tells at most, 1 to 10,000."
)
@click.option(
    "--of", default="COUNT(*)", show_default=True, metavar="STATISTIC",
    help="What is added up: COUNT(*), COUNT(column) or SUM(column).",
)  # fmt: skip
@click.option("--where", metavar="CONDITION", help="Which rows count, as after WHERE.  [default: all]")
@click.option("--from-now", is_flag=True, help="Leave out the rows that are there already.")
@click.option("--epsilon", metavar="E", help="What the whole run costs.  [required without --rho]")
@click.option("--rho", metavar="R", help="The same with Gaussian noise; the budgets need a delta.")
@purpose_option
@request_id_option
@explain_option
@in_space
@example(
    'hedgerow running open arrivals visits --where "age >= 65" --steps 64 --epsilon 1 \\',
    "    --purpose research --as analyst1",
)
def open_running(session: Session, screen: Screen, **options: Any) -> None:  # noqa: ANN401 - as above
    """Open the running count NAME over DATASET.

    The whole cost is charged now, before any row is read, and nothing after: `hedgerow running advance` adds
    the rows that arrived since the last step and tells the total so far. A row is counted once, in the step
    after it arrived, for the people who may be counted then. The error grows with the logarithm of --steps.
    """
    _open(session, screen, _RUNNING, ("of", "where", "steps", "from_now", "epsilon", "rho"), options)


def _open(
    session: Session,
    screen: Screen,
    kind: str,
    names: tuple[str, ...],
    options: dict[str, Any],
) -> None:
    asked = {name: options[name] for name in names}
    name, dataset, purpose = options["name"], options["dataset"], options["purpose"]
    if options["explain"]:
        told: dict[str, Any] = session.service.explain_open_run(kind, name, dataset, asked, purpose=purpose)
        from hedgerow.app.service.reckoning import forecast_text

        screen.decision(told, forecast=forecast_text(told["forecast"]) if "forecast" in told else "")
        return
    made: dict[str, Any] = session.service.open_run(
        kind, name, dataset, asked, purpose=purpose, request_id=options["request_id"]
    )
    left = made["receipt"]["budget"]["own"]["left"]
    then = f'{kind} ask {name} "SELECT ..."' if kind == _WATCH else f"{kind} advance {name}"
    screen.result(
        made,
        f"{name} is open; its whole cost was charged, and epsilon {left} is left of the budget.\n"
        f"Next: hedgerow {then}\n{_receipt(made)}",
    )


@watch.command()
@click.argument("name")
@click.argument("sql")
@request_id_option
@explain_option
@in_space
@example(
    "hedgerow watch ask crowded \"SELECT COUNT(*) FROM visits WHERE ward = 'A'\" --as analyst1",
)
def ask(
    session: Session, screen: Screen, name: str, sql: str, *, request_id: str | None, explain: bool
) -> None:
    """Ask the watch NAME whether a number reaches its threshold.

    The number is one COUNT or SUM that one person moves by no more than the watch was opened for. Asking
    costs nothing more; each question passes the gate as of now, and is journaled.
    """
    if explain:
        screen.decision(session.service.explain_run(_WATCH, name, {"sql": sql}))
        return
    told: dict[str, Any] = session.service.step_run(_WATCH, name, {"sql": sql}, request_id)
    side = "At or above" if told["above"] else "Below"
    left = many(told["positives_left"], "more yes", "more yeses")
    screen.result(
        told,
        f"{side} {told['threshold']}: within {told['half_width_95']} of it, 5 answers of 100 may be wrong.\n"
        f"The watch {'has ' + left if told['positives_left'] else 'is over: it said yes for the last time'}."
        f" Nothing was spent.\n{_receipt(told)}",
    )


@running.command()
@click.argument("name")
@request_id_option
@explain_option
@in_space
@example("hedgerow running advance arrivals --as analyst1")
def advance(session: Session, screen: Screen, name: str, *, request_id: str | None, explain: bool) -> None:
    """Add the rows that arrived to NAME, and tell the total so far.

    It costs nothing more. The step passes the gate as of now, and is journaled; repeating it with the same
    --request-id tells the same total and takes no other step.
    """
    if explain:
        screen.decision(session.service.explain_run(_RUNNING, name, {}))
        return
    told: dict[str, Any] = session.service.step_run(_RUNNING, name, {}, request_id)
    screen.result(
        told,
        f"Step {told['step']}: {told['total']} ± {told['half_width_95']} {told['statistic']} so far (in 95 of"
        f" 100 answers). {many(told['steps_left'], 'step')} left. Nothing was spent.\n{_receipt(told)}",
    )


def _show(kind: str) -> Any:  # noqa: ANN401 - what click makes of it
    @click.argument("name")
    @explain_option
    @in_space
    @example(f"hedgerow {kind} show {'crowded' if kind == _WATCH else 'arrivals'} --as analyst1")
    def show(session: Session, screen: Screen, name: str, *, explain: bool) -> None:
        """Show what NAME was opened with and told so far, at no cost."""
        if explain:
            screen.decision(session.service.explain_run(kind, name))
            return
        told: dict[str, Any] = session.service.show_run(kind, name)
        opened = [
            (key, str(value))
            for key, value in told["opened"].items()
            if key not in ("kind", "digits", "since", "threshold", "sensitivity")
        ]
        screen.result(told, f"{facts(opened, screen.width())}\n\n{_told(kind, told['told'])}")

    return show


def _told(kind: str, answers: list[dict[str, Any]]) -> str:
    if kind == _WATCH:
        return table(["question", "above"], [[each["sql"], each["above"]] for each in answers])
    rows = [[each["step"], each["total"], each["half_width_95"]] for each in answers]
    return table(["step", "total so far", "±95%"], rows)


def _list(kind: str) -> Any:  # noqa: ANN401 - as above
    @gated("dataset.list")
    @example(f"hedgerow {kind} list")
    def list_(session: Session, screen: Screen) -> None:
        """List them: of what, for which purpose, at what cost."""
        found: list[dict[str, Any]] = session.service.runs(kind)
        names = ["name", "dataset", "purpose", "statistic", "paid", "used", "opened_by", "until", "state"]
        rows = [[each[name] for name in names] for each in found]
        screen.result(found, table([name.replace("_", " ") for name in names], rows))

    return list_


def _close(kind: str) -> Any:  # noqa: ANN401 - as above
    @click.argument("name")
    @yes_option
    @explain_option
    @in_space
    @example(f"hedgerow {kind} close {'crowded' if kind == _WATCH else 'arrivals'} --yes --as analyst1")
    def close(session: Session, screen: Screen, name: str, *, yes: bool, explain: bool) -> None:
        """End NAME for good; what was paid stays spent.

        Nothing can be asked any more; what it told can still be shown.
        """
        if explain:
            screen.decision(session.service.explain_run(kind, name))
            return
        if not yes:
            screen.say(f"This ends {name} for good; what was paid for it is not given back.")
            raise CallerError("confirm.needed")
        gone = session.service.close_run(kind, name)
        screen.result(gone, f"{name} is over; journal entry {gone['entry']}.")

    return close


def _receipt(told: dict[str, Any]) -> str:
    kept = told["receipt"]
    return f"Receipt: request {kept['request_id']}, journal entry {kept['entry']}, {kept['fingerprint']}"


for _group, _kind in ((watch, _WATCH), (running, _RUNNING)):
    for _name, _make in (("show", _show), ("list", _list), ("close", _close)):
        _group.command(_name)(_make(_kind))
