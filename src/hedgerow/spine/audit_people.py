"""The people in the records, each against the others: nobody comes back, nobody is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import (
    BlindTerm,
    Commitment,
    ConsentEvent,
    ConsentState,
    Dataset,
    DatasetColumn,
    FormerMember,
    Member,
    SealedField,
    Subject,
    Tombstone,
    VaultToken,
)

if TYPE_CHECKING:
    from hedgerow.model.engine import IntArray

_OWNED = (SealedField, VaultToken, ConsentEvent, ConsentState, Commitment, BlindTerm)


def check_people(reader: Reader, choices: int | None) -> None:
    """Check that who has a key is who is in a data set, and that nothing else is held of anybody.

    Args:
        reader: A view.
        choices: How many choices the journal tells of that no erasure removed; none where it does not.

    Raises:
        Fault: ``records.differ`` with the kind.
    """
    import numpy as np

    subjects = reader.numbers(Subject, "number")
    present = [distinct(reader.numbers(kind, "number")) for kind in (Member, FormerMember)]
    # A key without a membership, or the other way round, was taken away or put back beside the acts.
    if not np.array_equal(subjects, np.union1d(*present)):
        raise Fault("records.differ", kind="people")
    for kind in _OWNED:
        if not within(distinct(reader.numbers(kind, "number")), subjects):
            raise Fault("records.differ", kind="people")
    fields = 0
    for dataset in reader.find(Dataset):
        if reader.count(Member, dataset=dataset.name) != dataset.people_count:
            raise Fault("records.differ", kind="memberships")
        fields += dataset.people_count * reader.count(DatasetColumn, dataset=dataset.name, in_vault=True)
    # Everybody in a data set has one of each of its identifiers, if only an empty one.
    if reader.count(SealedField) != fields:
        raise Fault("records.differ", kind="sealed fields")
    if choices is not None and reader.count(ConsentEvent) != choices:
        raise Fault("records.differ", kind="consents")
    _check_erased(reader)


def distinct(numbers: IntArray) -> IntArray:
    """Drop twins from a sorted array."""
    import numpy as np

    if len(numbers) == 0:
        return numbers
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])]


def within(numbers: IntArray, sorted_all: IntArray) -> bool:
    """Tell whether one sorted array is within another."""
    import numpy as np

    if not len(numbers):
        return True
    places = np.searchsorted(sorted_all, numbers)
    inside = len(sorted_all) > 0 and numbers[-1] <= sorted_all[-1]
    return bool(inside and (sorted_all[places] == numbers).all())


def _check_erased(reader: Reader) -> None:
    """Find people who hold the key of before their erasure."""
    erased = {stone.lookup: stone.erased for stone in reader.find(Tombstone)}
    for subject in reader.find_any(Subject, "lookup", list(erased)):
        if subject.created <= erased[subject.lookup]:
            raise Fault("records.differ", kind="erased people")
