"""Surveys with local privacy in a workspace: what they tell of each person is charged to the population."""

from __future__ import annotations

from fractions import Fraction

from hedgerow.app.service.base import Part, need_purpose
from hedgerow.model.budget import PureEvent, show_exact
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.ports import Reader
from hedgerow.model.records import LocalSurvey
from hedgerow.model.uses import Json
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.ledger import LOCAL, event_json, exact


class Surveying(Part):
    """Surveys stand in the ledger before anybody is asked."""

    def register_survey(
        self, survey: str, name: str, epsilon: Fraction, *, purpose: str | None
    ) -> dict[str, Json]:
        """Charge the population what a survey may tell of one person at most, and list it.

        Registering it once more, for another round of reports, is charged again.

        Args:
            survey: Its id, the hash of what is asked.
            name: What it is called.
            epsilon: The loss of all reports of one person together, exact.
            purpose: Why.

        Returns:
            ``purpose``, ``epsilon``, ``entry`` and ``population_left``.

        Raises:
            Refused: ``purpose.*``, ``budget.population-exhausted`` and the like, or by policy.

        Guarantee: between any two true answers of a person; that somebody reported is not hidden. Whom it
            asks is not known to the workspace, so everybody in it counts as asked.
        """
        self._require("collect")
        why, event = need_purpose(purpose), PureEvent(epsilon)
        with self.spine.store.write() as tx:
            self.spine.catalog.require_purpose(tx, why)
            facts: dict[str, Json] = {
                "survey": survey, "name": digest(name), "for": why, "dataset": POPULATION[0],
                "purpose": POPULATION[1], "cost": event_json(event),
            }  # fmt: skip
            entry = self.spine.journal.append(tx, LOCAL, self.actor, facts)
            now = timestamp(self.spine.clock.now())
            tx.put(LocalSurvey(entry, survey, name, why, exact(epsilon), self.actor.acting_as, now))
            self.spine.ledger.reserve(tx, f"survey {entry}", *POPULATION, event, entry)
            self.spine.ledger.commit(tx, f"survey {entry}")
            left = self.spine.ledger.standing(tx, *POPULATION).as_json()["left"]
        return {"purpose": why, "epsilon": show_exact(epsilon), "entry": entry, "population_left": left}


def surveys_of(reader: Reader) -> list[dict[str, Json]]:
    """List the surveys that were charged, as ``budgets`` shows them; they have no limit of their own."""
    return [
        {
            "dataset": "(local)", "purpose": each.purpose, "survey": each.name, "id": each.survey,
            "limit": "", "spent": show_exact(Fraction(each.epsilon)), "left": "", "time": each.time,
            "apart_from": [], "opened_only": [],
        }
        for each in reader.find(LocalSurvey)
    ]  # fmt: skip
