"""What each kind of rule protects and what it leaves, in plain words for reports and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hedgerow.model.tokens import FULLY_RANDOMISED, Rule, Surrogate, kind_of, policy_of


@dataclass(frozen=True, slots=True)
class Promise:
    """What a kind of rule does for a column.

    Args:
        statement: What is protected and what is not, in plain words.
        is_reversible: Whether somebody with a key or map can bring the value back.
        is_erased_with_person: Whether destroying a person's key reaches what was made of the person's values.
        is_assumed: Whether what leaves is invented and must be shown as such.
    """

    statement: str
    is_reversible: bool = False
    is_erased_with_person: bool = False
    is_assumed: bool = False


PROMISES: Final[Mapping[str, Promise]] = {
    "keep": Promise("The value as it is: nothing is hidden."),
    "constant": Promise("One text for all: nothing of the value is left."),
    "redact": Promise("Some characters blotted out; what is left, and the length, still tell something."),
    "pseudonym": Promise(
        "One name per person and release, of a secret of the person. Rows of one person stay joined; two "
        "releases cannot be joined by it. Destroying the person's secret ends it.",
        is_erased_with_person=True,
    ),
    "token": Promise(
        "A keyed token: equal values stay equal, so that frequencies stay visible and a value known to be "
        "frequent can be guessed. Without the key it cannot be reversed and two releases cannot be joined "
        "by it. An erasure of one person does not reach it."
    ),
    "reversible": Promise(
        "Sealed under the key of the row's person: opens with that key only, and never once it is "
        "destroyed. Lengths, and which values of one person are equal, stay visible.",
        is_reversible=True,
        is_erased_with_person=True,
    ),
    "fpe": Promise(
        "Of the same form (NIST FF1): equal values stay equal, frequencies and lengths stay visible, and a "
        "replaced number can be one that was issued to somebody else. Reversible with the key; an erasure "
        "of one person does not reach it.",
        is_reversible=True,
    ),
    "random": Promise(
        "A drawn token: it says nothing by itself. Reversible with the map; what is forgotten in every copy "
        "of the map is gone. Equal values stay equal, so that frequencies stay visible.",
        is_reversible=True,
        is_erased_with_person=True,
    ),
    "surrogate": Promise(
        "Invented and to be shown as assumed: never the true value, the same for the same person in one "
        "release. Two people can have the same one.",
        is_erased_with_person=True,
        is_assumed=True,
    ),
    "date-shift": Promise(
        "All dates of a person moved together: intervals stay, so that a known event of the person, or one "
        "that everybody had on one day, gives the move away. Times of the day stay.",
        is_erased_with_person=True,
    ),
    "date": Promise("As coarse as said; dates of one step look alike, and on nothing else."),
    "age": Promise("As a band; ages from the top on are one band."),
    "zip": Promise("The first characters; areas with too few people become zeros."),
    "cell": Promise("As a cell of the map in which so many people are; on nothing else do they look alike."),
    "time-band": Promise("As a band of the day, the week or the year; moments of one band look alike."),
    "merchant-category": Promise(
        "As a category in which codes that betray health, religion or sexual life are not told apart."
    ),
    "lookup": Promise("The label of a table; as coarse as the table."),
    "hash": Promise(
        "A plain hash of random identifiers that nobody can enumerate: equal values stay equal in every "
        "release and every place that hashes them, which joins them all."
    ),
}
"""What each kind of rule protects and what it leaves; the same words in reports and pages."""

AFRESH: Final[Mapping[str, Promise]] = {
    "token": Promise(
        "Drawn for each row: equal values are not joined, and nobody can bring one back.",
        is_erased_with_person=True,
    ),
    "reversible": Promise(
        "Sealed afresh in each row under the key of the row's person: equal values are not joined, lengths "
        "stay visible. Opens with that key only, and never once it is destroyed.",
        is_reversible=True,
        is_erased_with_person=True,
    ),
    "random": Promise(
        "A token drawn for each row: equal values are not joined. Reversible with the map; what is forgotten "
        "in every copy of the map is gone.",
        is_reversible=True,
        is_erased_with_person=True,
    ),
    "surrogate": Promise(
        "Invented for each row and to be shown as assumed: never the true value; rows of one person are not "
        "joined by it, and nobody can bring the value back.",
        is_erased_with_person=True,
        is_assumed=True,
    ),
}
"""The same of rules that make a token for each row (``fully-randomised``)."""

_OF_PEOPLE = ("pseudonym", "reversible", "surrogate", "date-shift")


def promise_of(rule: Rule, *, has_person_keys: bool) -> Promise:
    """Tell what a rule does for its column.

    Args:
        rule: The rule.
        has_person_keys: Whether people have secrets of their own, which die with their keys; without
            them an erasure reaches nothing that is made of the person.

    Returns:
        Its promise.
    """
    kind = kind_of(rule)
    if kind in AFRESH and policy_of(rule) == FULLY_RANDOMISED:
        made, hangs_on_key = AFRESH[kind], kind == "reversible"
    else:
        made, hangs_on_key = PROMISES[kind], kind in _OF_PEOPLE
    # With a class of its own, a surrogate is of the value, under the one secret.
    is_of_value = isinstance(rule, Surrogate) and bool(rule.of) and made is PROMISES[kind]
    if is_of_value or (hangs_on_key and not has_person_keys):
        return replace(made, is_erased_with_person=False)
    return made
