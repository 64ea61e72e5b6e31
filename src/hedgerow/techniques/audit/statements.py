"""An audit in plain words: what was shown, what was not refuted with which power, and what is missing."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from hedgerow.kernel.attacks.words import rate, verdict
from hedgerow.model.auditing import (
    INFERENCE,
    LINKABILITY,
    NEAREST,
    NOT_SHOWN,
    PERSONAL,
    PSEUDONYMISED,
    SINGLING_OUT,
    AttackOutcome,
    Reidentification,
    ReleaseAudit,
)
from hedgerow.model.words import many, percent

POWER_NEEDED = 0.05
"""An attack that sees only larger risks than this shows too little."""

RISK_ALLOWED = Fraction(9, 100)
"""The highest prosecutor risk of a table that is called more than pseudonymised.

Source:
    European Medicines Agency, policy 0070, external guidance, 5.4: a threshold of 0.09 for published tables.
"""

LIMIT = (
    "An audit cannot show that a table is harmless: it says what the attacks tried here would have seen, by"
    " somebody who knows the listed columns and nothing else."
)

HYPOTHESIS = "Each attack tries to refute that the release tells no more of the people in it than of others."


def told(audit: ReleaseAudit) -> ReleaseAudit:
    """Put an audit into words and say what the release is taken for in law.

    Args:
        audit: Its figures.

    Returns:
        The same with ``statements``, ``legal_class`` and ``needed``.

    Source:
        GDPR Article 4(1) and (5), recital 26; Article 29 Working Party, opinion 05/2014 (WP216), 3; PIPL
        Article 73. The rule is ours, and no ruling: a table is pseudonymised personal data unless shown
        otherwise.
    """
    needed = _needed(audit)
    legal = PERSONAL if audit.identifying else PSEUDONYMISED if needed else NOT_SHOWN
    return replace(audit, statements=_statements(audit), legal_class=legal, needed=needed)


def _statements(audit: ReleaseAudit) -> tuple[str, ...]:
    risk = audit.reidentification
    said = [LIMIT, *(_of_classes(risk) if risk else ()), _of_people(audit)]
    if audit.is_synthetic:
        said.append("Rows were said to be nobody's, so classes of equal rows say nothing of people.")
    said.append(_of_candidates(audit))
    if not any(each.attack == SINGLING_OUT for each in audit.attacks):
        said.append(
            "Nobody in the source stands out in the quasi-identifiers, so nobody is singled out by them."
        )
    said += [HYPOTHESIS, *(_of_attack(each) for each in audit.attacks)]
    if not audit.control_rows:
        said.append("There was no control group, so every right guess counts against the release.")
    if audit.outlier_columns:
        lie = "lies" if audit.outlier_rows == 1 else "lie"
        said.append(
            f"{many(audit.outlier_rows, 'row')} {lie} more than 6 median absolute deviations from the middle"
            f" in at least one of {many(audit.outlier_columns, 'number')}."
        )
    said += [f"{name} points at one row each and stands in the original, too." for name in audit.identifying]
    said += [
        f"{name} is written in the release as in no row of the original: attacks that go by it see nothing."
        for name in audit.unread
    ]
    if audit.others:
        said.append(f"No attack knew or guessed {', '.join(audit.others)}: what they tell was not looked at.")
    return tuple(said)


def _of_classes(risk: Reidentification) -> tuple[str, ...]:
    prosecutor = (
        f"Prosecutor risk: at most {_chance(risk.prosecutor_max)} to point at the row of a person known to be"
        f" in the release, {percent(risk.prosecutor_average)} on average; {many(risk.rows_at_risk, 'row')}"
        f" above {percent(risk.threshold)}."
    )
    classes = (
        f"{many(risk.classes, 'class', 'classes')}, the smallest of {many(risk.smallest_class, 'row')};"
        f" {many(risk.small_classes, 'class', 'classes')} of fewer than {risk.small_limit} rows"
        f" ({many(risk.small_rows, 'row')}); {many(risk.uniques, 'row')} alone in a class."
    )
    others = (
        f"Journalist risk: at most {rate(risk.journalist_max)}; marketer risk: {rate(risk.marketer)} of the"
        f" rows matched rightly. Population: {risk.basis}."
    )
    if risk.unique_share is not None:
        others += f" {rate(risk.unique_share)} of the population are estimated to be unique in it (Dankar)."
    return prosecutor, classes, others


def _of_people(audit: ReleaseAudit) -> str:
    inside = "each row" if audit.person is None else f"each {audit.person}"
    outside = "each row" if audit.pseudonym is None else f"each {audit.pseudonym}"
    return f"Taken to be a person of its own: {inside} of the original, {outside} of the release."


def _of_candidates(audit: ReleaseAudit) -> str:
    found = audit.candidates
    return (
        f"Of {many(found.people, 'person', 'people')} of the source, {found.singled_out:,} fit exactly one"
        f" released row in {', '.join(audit.quasi)}; {found.unmatched:,} fit none."
    )


def _of_attack(each: AttackOutcome) -> str:
    named = each.attack.capitalize() + (f" of {', '.join(each.guesses)}" if each.attack == INFERENCE else "")
    if each.attack == LINKABILITY:
        named += f" of {', '.join(each.knows)} with {', '.join(each.guesses)}"
    counted = f"right for {each.right:,} of {each.members:,} of the source"
    if each.controls:
        counted += f" and {each.control_right:,} of {each.controls:,} who were not in it"
    agreed = ""
    if each.agreed:
        agreed = f" For {each.agreed:,} of them every row that fits carries one value."
    return f"{named}, {each.people}: {verdict(each)}; {counted}.{agreed}"


def _needed(audit: ReleaseAudit) -> tuple[str, ...]:
    """What stands between the release and being called more than pseudonymised."""
    needed = [f"drop or replace {name}, which points at one row each" for name in audit.identifying]
    if not audit.control_rows:
        needed.append("a control group: rows of people who were not in the source of the release")
    shown = dict.fromkeys(each.attack for each in audit.attacks if each.risk > 0)
    needed += [f"a release on which {name} shows no risk beyond chance" for name in shown]
    needed += [f"{name} written in the original as in the release, or its hierarchy" for name in audit.unread]
    weak = [
        each.attack for each in audit.attacks if each.detectable is None or each.detectable > POWER_NEEDED
    ]
    if weak:
        named = ", ".join(dict.fromkeys(weak))
        needed.append(f"more people, so that a risk of {percent(Fraction(1, 20))} would be seen ({named})")
    risk = audit.reidentification
    if risk and risk.prosecutor_max > RISK_ALLOWED:
        least = math.floor(1 / RISK_ALLOWED) + 1
        needed.append(f"classes of at least {least} rows (prosecutor risk at most {percent(RISK_ALLOWED)})")
    if not audit.sensitive:
        needed.append("the columns that must stay unknown, so that inference can be tried")
    if not any(each.attack == LINKABILITY for each in audit.attacks):
        needed.append("a second set of columns, so that linkability can be tried")
    if audit.others:
        needed.append(
            f"each other column named as known or as sensitive, or dropped: {', '.join(audit.others)}"
        )
    if audit.is_synthetic and not any(each.attack == NEAREST for each in audit.attacks):
        needed.append("single values in every column, so that the nearest records can be measured")
    return tuple(needed)


def _chance(share: Fraction) -> str:
    return f"1 in {share.denominator}" if share.numerator == 1 else percent(share)
