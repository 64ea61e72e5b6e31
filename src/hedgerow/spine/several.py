"""Uses of several data sets: which ones a record or an entry of the journal names, the first one first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from hedgerow.model.canonical import canonical
from hedgerow.model.records import Request
from hedgerow.model.uses import Json
from hedgerow.spine.balance import POPULATION

Facts = Mapping[str, Json]


def others_told(facts: Facts) -> tuple[str, ...]:
    """Name the further data sets that an entry tells, by a list or by what it says of each."""
    return tuple(str(name) for name in cast("Iterable[Json]", facts.get("others") or ()))


def datasets_told(facts: Facts) -> tuple[str, ...]:
    """Name every data set that an entry of a use is about; an older entry is about one."""
    return (str(facts["dataset"]), *others_told(facts))


def charges_told(facts: Facts) -> tuple[tuple[str, str, bool], ...]:
    """Tell what an entry charges: data set, purpose, and whether it leaves the population alone.

    Of a use the charges of further data sets do, and of what its data sets come from; of what is charged
    after a restore, where the entry says so.
    """
    first, *others = datasets_told(facts)
    others += [str(name) for name in cast("Iterable[Json]", facts.get("come_from") or ())]
    purpose = str(facts["purpose"])
    own = (first, purpose, bool(facts.get("shared")))
    return (own, *((name, purpose, True) for name in others))


def debits_told(facts: Facts) -> tuple[tuple[str, str], ...]:
    """Name the accounts that an entry debits, each once."""
    charged = charges_told(facts)
    everybody = [] if all(shared for *_, shared in charged) else [POPULATION]
    return tuple(dict.fromkeys([*((dataset, purpose) for dataset, purpose, _ in charged), *everybody]))


def versions_text(versions: Mapping[str, int]) -> str:
    """Write the versions of further data sets as a record keeps them; empty where there is none."""
    return canonical(dict(versions)).decode() if versions else ""


def read_versions(text: str) -> dict[str, int]:
    """Read what ``versions_text`` wrote; what was changed to no such text names nothing."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return cast("dict[str, int]", found) if isinstance(found, dict) else {}


def datasets_held(record: Request) -> tuple[str, ...]:
    """Name every data set that a stored result was made of."""
    return (record.dataset, *read_versions(record.others))
