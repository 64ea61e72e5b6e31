"""Comparing what a fresh process found with what was acknowledged before the crash."""

from __future__ import annotations

from fractions import Fraction

from tests.system.crash import story
from tests.system.crash.harness import Line, Seen
from tests.system.crash.story import Holding

_DONE_BEFORE = {
    "collect": {"collect.taken-before"}, "erase": {"subject.erased"}, "query": {"request.spent"},
    "drop": {"dataset.dropped"},
}  # fmt: skip


def problems(found: Seen) -> list[str]:
    """Name everything that is wrong after a crash; nothing when all promises hold."""
    if found.told.failed:
        return [f"the worker failed: {found.told.failed}"]
    if found.seen is None or found.failed or found.after is None:
        return [f"lost: the workspace cannot be used: {found.failed}"]
    acts = [*found.told.acts, *([found.told.unfinished] if found.told.unfinished else [])]
    if found.went_on:
        acts.append({"do": "collect", "batch": story.LAST})
    missing = found.told.certificates - set(found.seen["certificates"])
    wrong = [f"lost: certificate {each}" for each in sorted(missing)]
    wrong += [*_whole(found), *_sound(found.seen), *_budget(found), *_answers(found)]
    wrong += [f"after repeating, {text}" for text in _sound(found.after)]
    wrong += [
        f"after repeating, {text}" for text in story.holding_after(acts).differences(_holding(found.after))
    ]
    return wrong


def _holding(seen: Line) -> Holding:
    people = seen["people"]
    return Holding(
        frozenset(seen["rows"]),
        frozenset(ref for ref, state in people.items() if state == "held"),
        frozenset(ref for ref, state in people.items() if state == "erased"),
        frozenset(ref for ref, choices in seen["choices"].items() if False in choices),
        frozenset(seen["aside"]),
        frozenset(seen["declared"]),
    )


def is_done(found: Seen) -> bool | None:
    """Tell whether the act that was cut off took effect; none when it changes no data."""
    before = story.holding_after(found.told.acts)
    after = before.after(found.told.unfinished)
    return None if after == before else _holding(found.seen) == after


def _whole(found: Seen) -> list[str]:
    """The workspace holds what was acknowledged, and of the act that was cut off all or nothing."""
    told, holding = found.told, _holding(found.seen)
    before = story.holding_after(told.acts)
    if holding == before or (told.unfinished and holding == before.after(told.unfinished)):
        return []
    return before.differences(holding)


def _sound(seen: Line) -> list[str]:
    wrong = []
    if seen["verify"] != "verified":
        wrong.append(f"the journal or ledger: {seen['verify']}")
    if len(set(seen["row_totals"])) != 1 or len(set(seen["people_totals"])) != 1:
        wrong.append(f"half visible: {seen['row_totals']} rows, {seen['people_totals']} people")
    if seen["dropped"] and any(seen["names"].values()):
        wrong.append("half visible: sealed fields of a data set that was dropped")
    if seen["strays"]:
        wrong.append(f"strays: {seen['strays']}")
    if seen["in_the_open"]:
        wrong.append(f"in the open: {seen['in_the_open']}")
    for ref, fields in seen["names"].items():
        if not seen["dropped"] and fields != {"name": [story.name_of(ref)], "patient": [ref]}:
            wrong.append(f"lost: the sealed fields of {ref}")
    for ref, choices in seen["choices"].items():
        if choices not in ([True], [True, False]):
            wrong.append(f"lost: the choices of {ref}")
    return wrong


def _budget(found: Seen) -> list[str]:
    """Whoever touched data was charged; nobody was charged twice or for nothing asked."""
    told, seen = found.told, found.seen
    charged = [request for request, _, _ in seen["charges"]]
    asked = told.touched | set(told.results)
    allowed = asked | {"ask-before"}
    if told.unfinished and told.unfinished["do"] == "query":
        allowed.add(str(told.unfinished["id"]))
    wrong = [f"under-counted: {request} read data and is not charged" for request in asked - set(charged)]
    wrong += [f"charged for nothing: {request}" for request in set(charged) - allowed]
    wrong += [f"charged twice: {request}" for request in {r for r in charged if charged.count(r) > 1}]
    spent = {(a[0], a[1]): Fraction(a[2]) for a in seen["accounts"]}
    for where in ((story.DATASET, story.PURPOSE), ("*", "*")):
        if spent.get(where, Fraction(0)) < len(asked) * Fraction(story.EPSILON):
            wrong.append(f"under-counted: {where} has spent {spent.get(where)}")
    return wrong


def _kept(request: str, result: Line, *, is_dropped: bool) -> Line:
    """Tell what repeating an answered request must give."""
    return {"replayed": request, **({"code": "dataset.dropped"} if is_dropped else {"result": result})}


def _answers(found: Seen) -> list[str]:
    """The same id gives the same answer; one that was cut off gives none, and no second draw."""
    told, seen = found.told, found.seen
    wrong = [
        f"lost: the answer of {request}"
        for request, result in told.results.items()
        if found.replayed[request] != _kept(request, result, is_dropped=seen["dropped"])
    ]
    if told.unfinished is None:
        return wrong
    what, code = told.unfinished["do"], found.repeated.get("code")
    if code is not None and code not in _DONE_BEFORE.get(str(what), set()):
        wrong.append(f"repeating {what} gives {code}")
    if what == "query":
        state = seen["requests"].get(told.unfinished["id"])
        if (state == "spent") != (code == "request.spent"):
            wrong.append(f"second draw: an id that was {state} gives {code or 'an answer'}")
        after = [request for request, _, _ in found.after["charges"]]
        if after.count(told.unfinished["id"]) > 1:
            wrong.append("second draw: charged again")
    return wrong
