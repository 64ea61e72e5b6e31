"""Privacy budget: what may be spent, what was spent, what is left; never less spending than there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.app.report.charts import Part, Row, bars, legend, shown_of
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import Entry, entries, exact, text, texts
from hedgerow.app.report.section import Section, badge, lead, nothing, quiet
from hedgerow.app.report.section import account as named
from hedgerow.app.report.tables import Column, table
from hedgerow.model.budget import show_exact, show_left

_PLACES = 12
_NAMED = 12
_DRAWN = 12
_COLUMNS = (
    Column("Account", is_heading=True),
    Column("Limit", is_number=True),
    Column("Spent", is_number=True),
    Column("Left", is_number=True),
    Column("Without differential privacy"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the ledger as it is shown.

    Args:
        dataset: The data set, ``"*"`` for the whole population.
        purpose: The purpose.
        limit: What may be spent in all; none when it is not readable.
        spent: What was spent; none when the account is not readable.
        left: What is left; none when it is not readable.
        apart: Releases that left and that no epsilon counts.
        opened: Releases that were debited and have not left.
    """

    dataset: str
    purpose: str
    limit: Fraction | None
    spent: Fraction | None
    left: Fraction | None
    apart: tuple[str, ...]
    opened: tuple[str, ...] = ()

    @property
    def is_population(self) -> bool:
        """Whether it is the account of all people together."""
        return self.dataset == "*"

    @property
    def name(self) -> str:
        """What the chart calls it."""
        return "The whole population" if self.is_population else f"{self.dataset} · {self.purpose}"

    @property
    def is_over(self) -> bool:
        """Whether more was spent than is allowed now, as after a limit was lowered."""
        return self.limit is not None and self.spent is not None and self.spent > self.limit


def read_account(entry: Entry) -> Account:
    """Read an account; where its figures differ, the larger spending and the smaller rest count.

    Args:
        entry: One item of the report's ``budget``.

    Returns:
        The account.
    """
    limit, spent, left = (exact(entry.get(key)) for key in ("limit", "spent", "left"))
    if limit is not None and spent is not None and left is not None:
        spent, left = max(spent, limit - left), min(left, max(Fraction(0), limit - spent))
    return Account(
        text(entry, "dataset"),
        text(entry, "purpose"),
        limit,
        spent,
        left,
        tuple(texts(entry.get("apart_from"))),
        tuple(texts(entry.get("opened_only"))),
    )


def budget(report: Entry) -> Section:
    """Show every account, the population first."""
    listed = entries(report.get("budget"))
    accounts = sorted((read_account(entry) for entry in listed), key=lambda one: not one.is_population)
    if not accounts:
        body = nothing("No privacy budget has been allocated, so every private query is refused.")
    else:
        opening = lead(
            "Epsilon bounds how much all private answers together can give away about any one person:"
            " the smaller, the safer. It is debited before data is opened and never given back."
        )
        charge = quiet("Every answer debits its own account and that of the whole population.")
        body = join(opening, _apart(accounts), _opened(accounts), _figure(accounts), _table(accounts), charge)
    return Section("budget", "Privacy budget spent", "Budget", "", body)


def _apart(accounts: Sequence[Account]) -> Markup | None:
    names = list(dict.fromkeys(name for account in accounts for name in account.apart))
    if not names:
        return None
    is_one = len(names) == 1
    return tag(
        "p",
        tag("b", "These figures are not the whole loss. "),
        "They read apart from ",
        "release " if is_one else "releases ",
        *_listed(names),
        ": a table of rows" if is_one else ": tables of rows",
        " that left without differential privacy, so that no epsilon bounds what it gives away."
        if is_one
        else " that left without differential privacy, so that no epsilon bounds what they give away.",
        class_="note",
    )


def _opened(accounts: Sequence[Account]) -> Markup | None:
    names = list(dict.fromkeys(name for account in accounts for name in account.opened))
    if not names:
        return None
    is_one = len(names) == 1
    return quiet(
        "Data was opened for ",
        "release " if is_one else "releases ",
        *_listed(names),
        ", which failed, was interrupted or still runs: its table has not left."
        if is_one
        else ", which failed, were interrupted or still run: their tables have not left.",
        " It stays in the accounts," if is_one else " They stay in the accounts,",
        " which are debited before data is opened.",
    )


def _listed(names: Sequence[str]) -> list[str | Markup]:
    """Set names with commas between; of many only the first ones, since the tables have all."""
    first = [child for name in names[:_NAMED] for child in (", ", code(name))][1:]
    return [*first, f" and {len(names) - _NAMED:,} more"] if len(names) > _NAMED else first


def _figure(accounts: Sequence[Account]) -> Markup | None:
    every = [row for account in accounts if (row := _row(account)) is not None]
    if not every:
        return None
    rows = every if len(every) <= _DRAWN else sorted(every, key=_spent_share, reverse=True)[:_DRAWN]
    most = " by share spent" if len(rows) < len(every) else ""
    title = shown_of(f"Epsilon spent of each limit{most}", len(rows), len(every))
    described = "; ".join(f"{clip(row.label, 60)}: epsilon {row.value}" for row in rows) + "."
    chart = bars("budget-chart", title, described, rows)
    keys = legend(("main", "spent"), ("rest", "left"), ("bad", "over the limit"))
    return tag("figure", tag("figcaption", title), keys, chart)


def _spent_share(row: Row) -> tuple[bool, Fraction]:
    first = row.parts[0] if row.parts else Part("rest", Fraction(0))
    return first.kind == "bad", first.share


def _row(account: Account) -> Row | None:
    if account.limit is None or account.spent is None:
        return None
    said = f"{show_exact(account.spent)} of {show_left(account.limit)}"
    if account.is_over or not account.limit:
        parts = (Part("bad", Fraction(1)),) if account.spent else ()
        return Row(account.name, said, parts)
    share = account.spent / account.limit
    return Row(account.name, said, (Part("main", share), Part("rest", 1 - share)))


def _table(accounts: Sequence[Account]) -> Markup:
    rows: list[list[Child]] = [
        [
            named(account.dataset, account.purpose),
            "not readable" if account.limit is None else show_left(account.limit, _PLACES),
            "not readable" if account.spent is None else show_exact(account.spent, _PLACES),
            _left(account),
            _beside(account),
        ]
        for account in accounts
    ]
    return table(
        "budget-table", "Epsilon of each account; spending is rounded up, the rest down", _COLUMNS, rows
    )


def _beside(account: Account) -> Child:
    """Name what no epsilon counts, and say of each whether it left."""
    if not account.apart and not account.opened:
        return "nothing"
    left = [tag("li", code(name), " left") for name in account.apart]
    opened = [tag("li", code(name), " has not left") for name in account.opened]
    return tag("ul", *left, *opened, class_="plain")


def _left(account: Account) -> Child:
    if account.is_over:
        return badge("over the limit", "bad")
    if account.left is None:
        return "not readable"
    return show_left(account.left, _PLACES) if account.left else badge("none", "warn")
