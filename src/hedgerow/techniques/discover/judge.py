"""Classify every column of a table by its name, type, cardinality, order, shapes and check digits."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from hedgerow.model.errors import CallerError
from hedgerow.model.findings import ColumnFinding
from hedgerow.model.words import ColumnRole
from hedgerow.techniques.discover import by_name, by_structure, by_value
from hedgerow.techniques.discover.column_names import read_name
from hedgerow.techniques.discover.masking import mask
from hedgerow.techniques.discover.profile import EMPTY, TEXT, WHOLE, Profile, profile_column
from hedgerow.techniques.discover.shapes import common_name_share, shares
from hedgerow.techniques.discover.verdict import Sight, Verdict

EVIDENCE = 3
_ONE_LINE = {"vector", "binary", "nested"}
# The first rule that answers decides; what values prove stands before what names say.
_RULES: tuple[Callable[[Sight], Verdict | None], ...] = (
    by_value.without_values,
    by_value.certain,
    by_name.announced,
    by_structure.person_reference,
    by_structure.row_id,
    by_structure.dates,
    by_structure.soft_shapes,
    by_structure.person_named,
    by_structure.remainder,
)


def classify(table: pa.Table, *, name: str = "", subject_key: str | None = None) -> tuple[ColumnFinding, ...]:
    """Classify every column of a table.

    Args:
        table: The table; up to 200,000 rows are all looked at, beyond that as many rows spread
            evenly, always the same ones.
        name: The table's name, named in the reasons.
        subject_key: The column that tells people apart, when it is known.

    Returns:
        One finding for each column, in order.

    Raises:
        CallerError: ``discover.no-columns`` or ``discover.unknown-subject-key``.

    Guarantee: no finding holds a value; evidence is masked to a first character and a structure.
    """
    if not table.num_columns:
        raise CallerError("discover.no-columns")
    if subject_key is not None and subject_key not in table.column_names:
        raise CallerError("discover.unknown-subject-key", column=subject_key)
    pairs = zip(table.column_names, table.columns, strict=True)
    return tuple(
        _classify_column(column, values, name, is_key=column == subject_key) for column, values in pairs
    )


def _classify_column(column: str, values: pa.ChunkedArray, table: str, *, is_key: bool) -> ColumnFinding:
    profile = profile_column(values)
    readable = profile.kind in {TEXT, WHOLE}
    sight = Sight(
        read_name(column),
        profile,
        shares(profile) if readable else {},
        common_name_share(profile) if profile.kind == TEXT else 0.0,
    )
    verdict = next(found for rule in _RULES if (found := rule(sight)) is not None)
    if is_key:
        verdict = _as_key(verdict)
    reasons = (*verdict.reasons, *((f"in {table}",) if table else ()))
    return ColumnFinding(
        column, verdict.category, verdict.role, verdict.confidence, _evidence(profile), reasons
    )


def _as_key(verdict: Verdict) -> Verdict:
    kept = verdict.role is ColumnRole.DIRECT_IDENTIFIER
    reasons = ("it is the subject key", *verdict.reasons)
    category = verdict.category if kept else "person-id"
    return Verdict(category, ColumnRole.DIRECT_IDENTIFIER, 0.99, reasons)


def _evidence(profile: Profile) -> tuple[str, ...]:
    """Mask a few values: the first distinct masks."""
    if profile.kind == EMPTY:
        return ()
    if profile.kind in _ONE_LINE:
        size = f" of {profile.vector_size}" if profile.vector_size else ""
        return (f"<{profile.kind}{size}>",)
    masks = (mask(text) for text in profile.sample[:20].to_pylist())
    return tuple(dict.fromkeys(masks))[:EVIDENCE]
