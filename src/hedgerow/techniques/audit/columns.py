"""Tables of an audit as columns of codes and texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints
from hedgerow.kernel.anonymity.hierarchies import canonical, from_rows
from hedgerow.kernel.attacks.containment import between, containing, number
from hedgerow.kernel.attacks.fitting import Column
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy
from hedgerow.model.errors import CallerError

Texts = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One column of one or several tables: distinct texts, and which of them each row has.

    Args:
        texts: Distinct canonical texts; a missing value is none.
        codes: Place of each row's text.
    """

    texts: Texts = field(repr=False)
    codes: Ints = field(repr=False)

    @property
    def numbers(self) -> Floats:
        """Each row's value as a number or day, not a number where it is neither."""
        return np.asarray([number(text) for text in self.texts], dtype=np.float64)[self.codes]

    @property
    def empty(self) -> Flags:
        """Which texts say nothing."""
        return np.asarray([text is None or text == ANY_VALUE for text in self.texts], dtype=np.bool_)


def arrow_of(frame: Any, table: str) -> pa.Table:  # noqa: ANN401 - any table that narwhals knows
    """Take any table as Arrow.

    Args:
        frame: A pyarrow, pandas or Polars table, or a mapping of columns.
        table: What it is in the audit, for errors.

    Returns:
        The same rows.

    Raises:
        CallerError: ``audit.no-table``, ``audit.ambiguous-column`` or ``audit.empty``.
    """
    if isinstance(frame, Mapping):
        try:
            frame = pa.table(dict(frame))
        except (pa.ArrowException, ValueError, TypeError):
            raise CallerError("audit.no-table", table=table) from None
    if isinstance(frame, pa.Table):
        for name, times in Counter(frame.column_names).items():
            if times > 1:
                raise CallerError("audit.ambiguous-column", column=name, table=table)
    try:
        made = nw.from_native(frame, eager_only=True).to_arrow()
    except TypeError:
        raise CallerError("audit.no-table", table=table) from None
    if not made.num_rows:
        raise CallerError("audit.empty", table=table)
    return made


def check_columns(frame: pa.Table, names: Sequence[str], table: str) -> None:
    """Refuse columns that a table does not have.

    Raises:
        CallerError: ``audit.unknown-column``.
    """
    for name in names:
        if name not in frame.column_names:
            raise CallerError("audit.unknown-column", column=name, table=table)


def side(name: str, *tables: pa.Table) -> Side:
    """Read a column of several tables, one after the other.

    Args:
        name: The column.
        tables: Tables that have it.

    Returns:
        The column over all their rows.

    Raises:
        CallerError: ``audit.column-type``.
    """
    texts: list[str | None] = []
    places: dict[str | None, int] = {}
    codes: list[Ints] = []
    for table in tables:
        encoded = _plain(table, name).dictionary_encode()
        known = [_text(value) for value in encoded.dictionary.to_pylist()]
        for text in (*known, None):
            if text not in places:
                places[text] = len(texts)
                texts.append(text)
        new = np.asarray([*(places[text] for text in known), places[None]], dtype=np.int64)
        codes.append(new[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)])
    return Side(tuple(texts), np.concatenate(codes))


def column(people: Side, rows: Side, hierarchy: Hierarchy | None) -> Column:
    """Join both sides of a column by containment.

    Args:
        people: Values as collected.
        rows: Cells as released.
        hierarchy: How the release may have been generalised.

    Returns:
        The column as attacks read it.
    """
    # Only what occurs: the unused place of a missing value would fit, or contain, everything.
    used = np.unique(rows.codes)
    compact = np.searchsorted(used, rows.codes)
    labels = [rows.texts[place] for place in used.tolist()]
    inside = containing(people.texts, labels, hierarchy)
    return Column(people.codes, compact, inside, len(people.texts), len(labels))


def empty_labels(rows: Side) -> Flags:
    """Tell which labels of :func:`column` say nothing."""
    return rows.empty[np.unique(rows.codes)]


def is_plain(people: Side, rows: Side) -> bool:
    """Tell whether every released cell is a single value, or missing."""
    known = set(people.texts)
    used = (rows.texts[place] for place in np.unique(rows.codes).tolist())
    return all(text is None or text in known or _is_single(text) for text in used)


def hierarchies_of(given: Mapping[str, Any], quasi: Sequence[str]) -> dict[str, Hierarchy]:
    """Take hierarchies as they are, or as rows of value, level 1, up to the coarsest.

    Raises:
        CallerError: ``audit.hierarchy-for-no-quasi`` or a ``hierarchy.`` code.
    """
    for name in given:
        if name not in quasi:
            raise CallerError("audit.hierarchy-for-no-quasi", column=name)
    return {name: each if isinstance(each, Hierarchy) else from_rows(each) for name, each in given.items()}


def _is_single(text: str) -> bool:
    return between(text) is None and not text.startswith("{") and not text.endswith(ANY_VALUE)


def _text(value: object) -> str | None:
    if value is None or value == "" or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return canonical(value)


def _plain(table: pa.Table, name: str) -> pa.Array:
    chunked = table[name]
    array = pa.concat_arrays(chunked.chunks) if chunked.num_chunks else pa.array([], chunked.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise CallerError("audit.column-type", column=name, type=str(kind))
    return array
