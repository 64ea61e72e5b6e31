"""Why something was refused, in sentences that need none of a caller's words."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from hedgerow.model.errors import TABLE
from hedgerow.model.errors.base import ErrorRow

_UNNAMED = "The reason has no words in this version; its code names it."
_CALL = "The call did not fit what it was made on."
_REFUSED = "A rule of this workspace stood against it."
_FAULT = "Something inside failed, so nothing was given out."
# By code: what is said where the journal keeps too little to fill the message.
_PLAIN = {
    "anonymity.k-above-rows": "The rows that could be used were fewer than the k that was asked for.",
    "anonymity.level-out-of-range": "A coarsest level was given that its hierarchy does not have.",
    "anonymity.search-cut-short": "The search was stopped before it met what was asked.",
    "anonymity.unreachable": "No release keeps a quasi-identifier within the k, l and limits asked for.",
    "anonymity.value-not-in-hierarchy": "A column holds values that its hierarchy does not list.",
    "approval.denied": "Somebody whose approval it needs denied it.",
    "approval.pending": "It needs the approval of somebody else, which had not been given.",
    "basis.missing": "There is no lawful basis for that purpose.",
    "basis.none-given": "There is no lawful basis for that purpose.",
    "budget.delta-exhausted": "It would take more of its budget's delta than is left for such uses.",
    "budget.exhausted": "It would cost more epsilon than its budget has left.",
    "budget.no-delta": "Its budget has no delta, and it has no epsilon without one.",
    "budget.period-exhausted": "It would cost more epsilon than its budget has left in that period.",
    "budget.population-exhausted": "It would cost more epsilon than the people of this workspace have left.",
    "budget.unallocated": "No privacy budget is allocated to that data set and purpose.",
    "budget.unknown": "Nobody knew what was spent before the workspace was restored.",
    "column.in-vault-refused": "It asked for a direct identifier, which lies in the vault.",
    "column.not-granted": "It asked for a column that it cannot be granted.",
    "dataset.not-for-you": "There is no data set of that name for whoever asked.",
    "dataset.unknown": "There is no data set of that name.",
    "dp.bad-declaration": "What its owner declared of the data set does not fit it.",
    "dp.budget-no-own-delta": "Its budget keeps no part of a delta for keys found in the data.",
    "dp.budget-other-unit": "Its budget is of another privacy unit than what it would pay for.",
    "dp.hidden-column": "The query names a column that says who a person is, which takes no part in queries.",
    "dp.join-multiplies": "The query joins tables that repeat a key more often than is answered.",
    "dp.join-person": "The query joins on the person what is no data set.",
    "dp.not-public": "The query joins a table that nobody declared public.",
    "dp.out-of-bounds": "The query asks only for values outside the declared bounds of a column.",
    "dp.sql-raw-column": "The query shows a column without grouping by it: that would show single rows.",
    "dp.sql-unlabelled": "The query groups by a column without showing it, so that its rows have no labels.",
    "dp.sql-type": "The query uses a column in a way that its type does not allow.",
    "dp.sql-unsupported": "The query uses a part of SQL whose privacy loss is not bounded here.",
    "dp.too-many-groups": "The declared keys make more groups than are answered at once.",
    "dp.too-wide": "A sum within the declared bounds could pass 64 bits.",
    "dp.undeclared": "Its owner has not declared all that the query needs, so the privacy loss has no bound.",
    "dp.undeclared-key": "The query asks for a value that is not among the declared keys of its column.",
    "dp.unit-in-workspace": "The data set is declared by another unit than people, whom budgets are of.",
    "budget.derived": "What the data set comes from has no budget left for the purpose.",
    "dp.unit-undeclared": "The data set is not declared for the privacy unit of the query.",
    "dp.unit-people": "The query counts people, and the privacy unit is another.",
    "dp.unknown-column": "The query names a column that the data set does not have.",
    "engine.failed": "The query engine could not finish the work.",
    "hierarchy.not-nested": "A level of a hierarchy splits a group of the level below it.",
    "hierarchy.ragged": "The rows of a hierarchy do not all have the same number of cells.",
    "hierarchy.repeated-value": "A hierarchy lists a value twice.",
    "integrity.bucket-unreadable": "A table file is damaged, moved, or sealed under another key.",
    "policy.forbidden": "A policy forbids it.",
    "policy.not-permitted": "No policy permits it.",
    "principal.disabled": "Whoever asked is disabled.",
    "principal.not-yours": "Only the owner of a local workspace may act as somebody else.",
    "principal.unknown": "There is no such principal.",
    "purpose.ended": "That purpose has ended.",
    "purpose.rights-only": "That purpose serves only a person's own request.",
    "purpose.unknown": "No purpose of that name is declared.",
    "release.keep-identifies": "It would keep as it is a column that can identify people in combination.",
    "release.moved": "Another release left while this one was made.",
    "release.repeats": "Beside releases that left before it would single people out.",
    "release.where-identifies": "It would be filtered by a column that says who a person is.",
    "release.where-sensitive": "It would be filtered by a sensitive column, which would be told so.",
    "release.where-unsupported": "Its filter is one by which no rows are picked.",
    "run.bounds-changed": "The bounds that the run was paid for by were declared anew.",
    "run.other-sources": "The data set took in rows made from another one, which the run was not charged to.",
    "run.not-by-rows": "A running count adds up rows, each once; this is something else.",
    "run.not-single": "A run takes one count or sum, without groups; this is something else.",
    "run.other-steps": "The number is counted in other steps than the run was opened for.",
    "run.over": "The run is over.",
    "run.restored": "The run was opened before the workspace was restored from a backup.",
    "run.too-sensitive": "One person may move the number by more than the run was opened for.",
    "run.exists": "There is a run of that name already.",
    "run.other-kind": "The run is of another kind.",
    "shelf.unwritable": "The folder of table files cannot be used.",
    "store.conflict": "The store already holds such a record; nothing was written.",
    "train.hidden-column": "The run names a column that says who a person is, which no model learns from.",
    "train.no-features": "Its owner has declared no column to learn from.",
    "use.failed": "The use failed inside; what it reserved stays spent.",
    "use.dataset-twice": "The use names one data set twice.",
    "use.not-releasable": "The data set is not releasable as asked.",
    "use.too-many-failures": "Too many uses failed after data was opened; asking may go on the next day.",
    "synth.too-little": "The epsilon that was asked for leaves nothing to measure with at its delta.",
}
_OF_ROOT = {"caller": _CALL, "refused": _REFUSED, "fault": _FAULT}


def meaning(code: str, known: Mapping[str, object]) -> str:
    """Say in a full sentence what a reason means.

    Args:
        code: A code of the table of errors; one of another version is called unknown.
        known: What the journal keeps of it; a detail of none or nothing counts as not kept.

    Returns:
        The message of the table when everything in it is known, else a sentence that needs no detail.
    """
    row = TABLE.get(code)
    if row is None:
        return _UNNAMED
    if all(known.get(name) not in (None, "") for name in _details(row)):
        return row.message.format_map(known)
    return _PLAIN.get(code) or _OF_ROOT[row.root]


def _details(row: ErrorRow) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(row.message) if name]
