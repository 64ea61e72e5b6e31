"""Which data sets were made from which others: a use of one is charged to those it comes from as well.

What is derived is told when a data set is collected, and stands for good: neither dropping one of them nor
collecting a name again takes it back.
"""

from __future__ import annotations

from collections.abc import Sequence

from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Dataset, Derivation
from hedgerow.model.uses import Json


def ancestors(reader: Reader, datasets: Sequence[str]) -> tuple[str, ...]:
    """List the data sets that some others come from, in the end, without these themselves.

    Args:
        reader: A view.
        datasets: Names, which need not be of data sets.

    Returns:
        Each once; dropped ones too.
    """
    found = dict.fromkeys(datasets)
    left = list(found)
    while left:
        for record in reader.find(Derivation, dataset=left.pop()):
            if record.ancestor not in found:
                found[record.ancestor] = None
                left.append(record.ancestor)
    return tuple(sorted(found.keys() - set(datasets)))


def is_ancestor(reader: Reader, dataset: str) -> bool:
    """Tell whether another data set comes from one."""
    return any(record.ancestor == dataset for record in reader.find(Derivation))


def is_tied_since(reader: Reader, dataset: str, entry: int) -> bool:
    """Tell whether a data set came to be one of further others after an entry.

    Args:
        reader: A view.
        dataset: Its name.
        entry: The entry.

    Returns:
        Whether what is charged for a use of it grew since.
    """
    tied = (dataset, *ancestors(reader, [dataset]))
    return any(record.entry > entry for name in tied for record in reader.find(Derivation, dataset=name))


def check_derivation(reader: Reader, dataset: str, sources: Sequence[str]) -> None:
    """Refuse a data set that would come from itself, or from what never was one.

    Args:
        reader: A view.
        dataset: What is collected.
        sources: What it comes from.

    Raises:
        CallerError: ``dataset.unknown``.
        Refused: ``derived.cycle``.
    """
    for source in sources:
        # One that was dropped is one still: what was spent on it holds.
        if reader.get(Dataset, source) is None:
            raise CallerError("dataset.unknown", dataset=source)
        if dataset == source or dataset in ancestors(reader, [source]):
            raise Refused("derived.cycle", dataset=dataset, source=source)


def derived_facts(sources: Sequence[str]) -> dict[str, Json]:
    """Write what a data set comes from as the entry of a collection tells it, where it comes from any."""
    return {"derived_from": list(sources)} if sources else {}


def derive(tx: Transaction, dataset: str, sources: Sequence[str], entry: int) -> None:
    """Keep what a data set comes from; what is known already stays as it was told first.

    Raises:
        CallerError: As ``check_derivation``.
        Refused: As there.
    """
    check_derivation(tx, dataset, sources)
    for source in sources:
        if tx.get(Derivation, dataset, source) is None:
            tx.add([Derivation(dataset, source, entry)])
