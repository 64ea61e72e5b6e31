"""What asks for a decision: the few facts of the report that somebody should act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hedgerow.app.report.markup import Markup, tag
from hedgerow.app.report.reading import Entry, entries, is_over, part, text, whole
from hedgerow.app.report.releases import is_short_of_k
from hedgerow.app.report.spending import read_account
from hedgerow.model.words import many


def attention(report: Entry) -> Markup | None:
    """List what asks for a decision, each with a link to where it stands; none when nothing does."""
    found = [(name, words) for name, finding in _FINDINGS for words in finding(report)]
    if not found:
        return None
    items = (tag("li", words, " ", tag("a", "See where", href=f"#{name}")) for name, words in found)
    return tag("div", tag("p", tag("b", "What asks for a decision")), tag("ul", *items), class_="note")


def _broken(report: Entry) -> Iterator[str]:
    short = sum(is_short_of_k(part(item, "summary")) for item in entries(report.get("releases")))
    if short:
        yield f"{many(short, 'release does', 'releases do')} not keep the k promised."


def _purposes(report: Entry) -> Iterator[str]:
    held = entries(report.get("held"))
    idle = sum(not entries(item.get("purposes")) for item in held)
    if idle:
        yield f"{many(idle, 'data set is', 'data sets are')} held for no purpose."
    day = text(part(report, "workspace"), "time")[:10]
    over = sum(is_over(text(one, "until"), day) for item in held for one in entries(item.get("purposes")))
    if over:
        yield f"{many(over, 'purpose has', 'purposes have')} ended while its data is still held."


def _budgets(report: Entry) -> Iterator[str]:
    accounts = [read_account(entry) for entry in entries(report.get("budget"))]
    over = sum(account.is_over for account in accounts)
    if over:
        yield f"{many(over, 'privacy budget is', 'privacy budgets are')} over the limit."
    empty = sum(account.left == 0 and bool(account.limit) and not account.is_over for account in accounts)
    if empty:
        yield f"{many(empty, 'privacy budget is', 'privacy budgets are')} used up."


def _erased(report: Entry) -> Iterator[str]:
    logical = sum(text(item, "state") == "logical" for item in entries(report.get("erasures")))
    if logical:
        yield f"{many(logical, 'erasure is', 'erasures are')} not final yet: `hedgerow keys epoch`."


def _aside(report: Entry) -> Iterator[str]:
    batches = entries(report.get("quarantine"))
    rows = sum(whole(item, "rows") or 0 for item in batches)
    if rows:
        yield f"{many(rows, 'row waits', 'rows wait')} set aside until somebody decides."


def _waiting(report: Entry) -> Iterator[str]:
    pending = sum(text(item, "state") == "pending" for item in entries(report.get("approvals")))
    if pending:
        yield f"{many(pending, 'request waits', 'requests wait')} for approval: `hedgerow approval list`."


_FINDINGS: tuple[tuple[str, Callable[[Entry], Iterator[str]]], ...] = (
    ("releases", _broken),
    ("held", _purposes),
    ("budget", _budgets),
    ("left", _erased),
    ("aside", _aside),
    ("approvals", _waiting),
)
