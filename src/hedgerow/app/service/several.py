"""Questions put to several data sets: which ones a text names, and what may be told of their versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from hedgerow.model.ports import Store
from hedgerow.model.uses import Json
from hedgerow.spine.publics import Publics

if TYPE_CHECKING:
    from hedgerow.techniques.dp_query.query import Query

_COUNTING = ("consent", "dataset")


def joined_with(store: Store, dataset: str, sql: str | Query) -> tuple[str, ...]:
    """Name the further data sets of a query: every table that it names and nobody declared public.

    Args:
        store: The records.
        dataset: The data set that is asked.
        sql: The query, or one that was built of values.
    """
    from hedgerow.techniques.dp_query.sources import tables_named

    named = [name for name in tables_named(sql) if name != dataset]
    if not named:
        return ()
    with store.read() as reader:
        public = Publics(reader)
        return tuple(name for name in named if name not in public)


def not_counting(versions: Json) -> dict[str, Json]:
    """Leave out versions that count choices and erasures."""
    told = cast("Mapping[str, Json]", versions)
    return {name: told[name] for name in told if name not in _COUNTING}
