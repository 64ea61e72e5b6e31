"""The same question again: whoever may ask it gets the stored answer, at no cost and with no new noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.canonical import digest, plain_form
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Request
from hedgerow.model.uses import (
    Decision,
    Json,
    LeaseVersions,
    Plan,
    Release,
    Repeatable,
    Technique,
    UseRequest,
)
from hedgerow.spine.facts import Facts
from hedgerow.spine.journal import Journal
from hedgerow.spine.requests import Requests
from hedgerow.spine.several import datasets_held, read_versions

GIVEN = "use.stored"
"""What the journal calls it."""
_COST = "cost: "
_CHOICES = ("consent.grant", "consent.withdraw")
_MOVES = (*_CHOICES, "collect", "dataset.declare", "dataset.drop", "subject.erase")


def question_of(request: UseRequest, technique: Technique, facts: Facts, plan: Plan) -> str:
    """Hash all that an answer depends on beside the rows and choices.

    Args:
        request: Why and of what.
        technique: What is done.
        facts: Basis and declaration.
        plan: The plan, with what each public table holds; blanks and letter case of a text are gone from it,
            its epsilon stands.

    Returns:
        The hash; empty where an answer is nobody else's: it is not differentially private, or its technique
        does not tell what it depends on.
    """
    if plan.cost is None or isinstance(plan.cost, NonPrivateEvent) or plan.grant.kind == "person":
        return ""
    if not isinstance(technique, Repeatable):
        return ""
    asked: list[Json] = [request.purpose, request.dataset, technique.name, facts.basis, facts.declared]
    joined: list[Json] = [[name, content] for name, content in plan.grant.public]
    # Named only where they are there, so that questions of before have the hashes they had.
    others: list[Json] = [[each.name, each.basis, each.declared] for each in facts.others]
    beside: list[Json] = [others] if others else []
    return digest([*asked, joined, *beside, plain_form(technique.question(plan))])


def costless(decision: Decision) -> Decision:
    """Say of a decision that a stored answer would be given."""
    kept = [told for told in decision.obligations if not told.startswith(_COST)]
    said = f"{_COST}nothing: the same question was answered before, and that answer is given again"
    return replace(decision, stored=True, obligations=(*kept, said))


class StoredAnswers:
    """Finds and gives answers that were paid for before.

    Guarantee: what is given was drawn once and charged then, for the same plan, purpose, basis and
    declaration, of the rows and choices that are in force; nothing in it is of one person. It is given to
    nobody whom steps 1 to 3 refuse. What is given again is no new release: its privacy loss is that of the
    first (differential privacy is closed under post-processing, Dwork and Roth 2014, proposition 2.1).

    Args:
        requests: Keeps the answers.
        journal: Tells what moved since.
    """

    def __init__(self, requests: Requests, journal: Journal) -> None:
        self._requests = requests
        self._journal = journal

    def find(
        self, reader: Reader, request: UseRequest, technique: Technique, facts: Facts, plan: Plan
    ) -> Request | None:
        """Find the stored answer to a question, or none where there is none that may be given.

        Raises:
            Fault: ``records.differ``, ``journal.*``: a record was changed beside the product.
        """
        question = "" if request.fresh else question_of(request, technique, facts, plan)
        if not question or facts.dataset is None:
            return None
        others = sorted((name, view.version) for name, view in facts.dataset.others.items())
        versions = LeaseVersions(facts.dataset.version, facts.consent_version, tuple(others))
        found = self._requests.answered(reader, question, versions)
        if found is None or self._has_moved(reader, found):
            return None
        return found

    def give(
        self,
        tx: Transaction,
        request: UseRequest,
        technique: Technique,
        found: Request,
        told: dict[str, Json],
    ) -> tuple[Release, int]:
        """Give a stored answer under an id of its own, so that the id answers with it ever after.

        Args:
            tx: The transaction.
            request: Who asks, under which id.
            technique: The technique.
            found: The stored answer.
            told: What the journal tells of a use.

        Returns:
            The answer, and the index of the entry that tells of it.
        """
        release = self._requests.result(found)
        others = tuple(sorted(read_versions(found.others).items()))
        versions = LeaseVersions(found.dataset_version, found.consent_version, others)
        facts = {
            **told,
            "question": found.question,
            "answer": found.entry,
            "result": digest(dict(release.payload)),
            "versions": {**cast("Mapping[str, Json]", told["versions"]), **versions.as_json()},
        }
        entry = self._journal.append(tx, GIVEN, request.actor, facts)
        self._requests.open(tx, request, technique.name, versions, entry, "")
        self._requests.close(tx, request.request_id, release, versions, entry)
        return release, entry

    def _has_moved(self, reader: Reader, found: Request) -> bool:
        """Tell by the journal whether rows, declaration or choices may have changed since an answer."""
        for told in self._journal.proven(reader, found.entry + 1, *_MOVES):
            facts = cast("Mapping[str, Json]", told["facts"])
            named = cast("Sequence[str]", facts.get("datasets") or [facts.get("dataset")])
            if told["action"] in _CHOICES or not set(datasets_held(found)).isdisjoint(named):
                return True
        return False
