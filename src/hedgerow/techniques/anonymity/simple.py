"""k-anonymity in one call, and several releases to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from hedgerow.kernel.anonymity.candidates import ReleaseCandidate, candidates
from hedgerow.kernel.anonymity.hierarchies import canonical, from_rows
from hedgerow.model.anonymity import Hierarchy, LossMean, ReleaseParameters, RiskSummary
from hedgerow.model.calls import CLASS_ROWS, MAPPING, door
from hedgerow.model.criteria import Model
from hedgerow.model.frames import is_spark
from hedgerow.techniques.anonymity.frames import arrow_of, arrow_of_columns, frame_of, native_of
from hedgerow.techniques.anonymity.hierarchy_files import from_csv
from hedgerow.techniques.anonymity.parameters import Share, check_columns, exact_share, release_parameters
from hedgerow.techniques.anonymity.release import release
from hedgerow.techniques.anonymity.source import source_of
from hedgerow.techniques.anonymity.spark import released_by_spark

Ladder: TypeAlias = "Hierarchy | str | Path | Sequence[Sequence[Any]]"
"""A hierarchy, a path to a CSV file of one, or its rows ``[value, level 1, ..., top]``."""

_SUPPRESSION = Fraction(1, 20)


@dataclass(frozen=True, slots=True)
class KAnonymised:
    """A k-anonymous table made in one call.

    Args:
        frame: The released rows, of the kind given; in no ledger, and never to be called anonymous.
        levels: The level released of each quasi-identifier; 0 is as collected.
        risk: The exact risk of the release.
        left_out: Columns of the table that were not asked for and did not leave.
    """

    frame: Any
    levels: Mapping[str, int]
    risk: RiskSummary
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Tell the levels, no row."""
        return f"KAnonymised(levels={dict(self.levels)}, loss={self.loss:.6f}, is_optimal={self.is_optimal})"

    @property
    def released_rows(self) -> int:
        """Rows that leave."""
        return self.risk.released_rows

    @property
    def suppressed_rows(self) -> int:
        """Rows dropped."""
        return self.risk.suppressed_rows

    @property
    def classes(self) -> int:
        """Equivalence classes that leave."""
        return self.risk.classes

    @property
    def loss(self) -> float:
        """Information lost, 0 (none) to 1 (all)."""
        return self.risk.loss

    @property
    def is_optimal(self) -> bool:
        """Whether it is proven that no other choice of levels loses less within the limits."""
        return self.risk.is_optimal


@door(
    "anonymity.k_anonymise", {"k": CLASS_ROWS, "hierarchies": MAPPING.or_none(), "weights": MAPPING.or_none()}
)
def k_anonymise(  # noqa: PLR0913 - keywords, each a choice of its own
    frame: Any,  # noqa: ANN401 - any table that narwhals knows, or columns by name
    *,
    quasi: Sequence[str],
    k: int = 5,
    hierarchies: Mapping[str, Ladder] | None = None,
    suppression: Share = _SUPPRESSION,
    sensitive: Sequence[str] = (),
    keep: Sequence[str] = (),
    models: Sequence[str | Model] = (),
    max_levels: Mapping[str, int] | None = None,
    weights: Mapping[str, Share] | None = None,
    mean: LossMean = "arithmetic",
    most_checks: int | None = None,
) -> KAnonymised:
    """Make a table k-anonymous at the least loss: the simple face of ``k_anonymous``.

    Args:
        frame: A pyarrow, pandas or Polars table, a dict of columns, or a DataFrame of Spark, which then
            counts and applies; only counts of distinct combinations come here.
        quasi: Quasi-identifiers; columns named neither here nor below are left out.
        k: Least number of rows in a class, at least 2.
        hierarchies: Per column rows ``[value, level 1, ..., top]`` or a path to a CSV of them; else built.
        suppression: Largest share of rows dropped, 0 to 1.
        sensitive: Sensitive attributes, released as they are.
        keep: Other columns released as they are, on your word that they identify nobody.
        models: What must hold besides k, such as ``entropy-l(diagnosis)=3``.
        max_levels: Coarsest level allowed per quasi-identifier.
        weights: What each quasi-identifier counts in the loss, 0 or more, 1 where not named.
        mean: How the losses of columns are joined, ``arithmetic`` or ``geometric``.
        most_checks: Combinations of levels counted at most; none goes on until the optimum is proven.

    Returns:
        The released table, of the kind given, with levels, counts, loss and risk.

    Raises:
        CallerError: For parameters, columns or hierarchies that do not fit.
        Refused: ``anonymity.unreachable``.
    """
    asked = release_parameters(
        quasi=quasi,
        k=k,
        hierarchies=ladders_of(hierarchies),
        suppression_limit=suppression,
        sensitive=sensitive,
        keep=keep,
        models=models,
        max_levels=max_levels,
        weights=weights,
        mean=mean,
        most_checks=most_checks,
    )
    return _released(frame, asked)


@door("anonymity.release_candidates", {"hierarchies": MAPPING.or_none()})
def release_candidates(
    frame: Any,  # noqa: ANN401 - any table that narwhals knows, or columns by name
    *,
    quasi: Sequence[str],
    ks: Sequence[int] = (2, 3, 5, 10, 20),
    suppressions: Sequence[Share] = (0, Fraction(1, 100), _SUPPRESSION),
    hierarchies: Mapping[str, Ladder] | None = None,
    weights: Mapping[str, Share] | None = None,
) -> list[ReleaseCandidate]:
    """Find the best release for several k and limits: a curve of risk and utility to choose from.

    Args:
        frame: A pyarrow, pandas or Polars table, or a dict of columns.
        quasi: Quasi-identifiers.
        ks: The k to try, each at least 2.
        suppressions: The largest shares of rows dropped to try.
        hierarchies: As ``k_anonymise`` takes them.
        weights: What each quasi-identifier counts in the loss.

    Returns:
        One candidate per k and limit that can be reached, by risk; make the one chosen with
        ``k_anonymise``.

    Raises:
        CallerError: For parameters, columns or hierarchies that do not fit.
    """
    ladders, limits = ladders_of(hierarchies), [exact_share(share) for share in suppressions]
    asked = [
        release_parameters(quasi=quasi, k=k, hierarchies=ladders, suppression_limit=limit, weights=weights)
        for k in ks
        for limit in limits
    ]
    if not asked:
        return []
    table, _ = table_of(frame)
    check_columns(asked[0], table.column_names)
    problem = source_of(table, max(asked, key=lambda one: one.k)).problem
    return candidates(problem, tuple(ks), tuple(limits))


def table_of(frame: Any) -> tuple[pa.Table, Any]:  # noqa: ANN401 - any table
    """Take any table as Arrow.

    Args:
        frame: A table that narwhals knows, or a dict of columns.

    Returns:
        The table, and the narwhals frame to turn it back by, none for a dict.

    Raises:
        CallerError: ``anonymity.no-table`` or ``anonymity.ambiguous-column``.
    """
    if isinstance(frame, Mapping):
        return arrow_of_columns(frame), None
    known = frame_of(frame)
    return arrow_of(known), known


def table_back(table: pa.Table, known: Any) -> Any:  # noqa: ANN401 - of the kind given
    """Turn an Arrow table into the kind that ``table_of`` was given."""
    return table.to_pydict() if known is None else native_of(table, known)


def ladders_of(given: Mapping[str, Ladder] | None) -> dict[str, Hierarchy]:
    """Read hierarchies however they were given.

    Args:
        given: Per column a hierarchy, a path to a CSV file, or rows.

    Returns:
        The hierarchies.

    Raises:
        CallerError: ``hierarchies.unreadable`` or ``hierarchy.*``.
    """
    return {name: _ladder(ladder) for name, ladder in (given or {}).items()}


def _ladder(ladder: Ladder) -> Hierarchy:
    if isinstance(ladder, Hierarchy):
        return ladder
    if isinstance(ladder, str | Path):
        return from_csv(ladder, delimiter=_delimiter(Path(ladder)))
    return from_rows([[canonical(cell) for cell in row] for row in ladder])


def _delimiter(path: Path) -> str:
    """What stands between the levels of a file: the first line tells."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            first = stream.readline()
    except (OSError, ValueError):
        return ";"  # reading it says what is wrong
    return "," if ";" not in first and "," in first else ";"


def _released(frame: Any, asked: ReleaseParameters) -> KAnonymised:  # noqa: ANN401 - any table
    if is_spark(frame):
        finished, chosen, left_out = released_by_spark(frame, asked)
        return KAnonymised(finished, chosen.levels, chosen.risk, left_out)
    table, known = table_of(frame)
    check_columns(asked, table.column_names)
    named = [name for name in table.column_names if name in asked.columns]
    made = release(table.select(named), asked, ungoverned=True)
    left_out = tuple(name for name in table.column_names if name not in named)
    return KAnonymised(table_back(made.table, known), dict(made.levels), made.risk, left_out)
