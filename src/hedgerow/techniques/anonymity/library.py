"""k-anonymity as library functions on Arrow, pandas or Polars tables, without a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

from hedgerow.kernel.anonymity.linkage import candidate_counts, linkage
from hedgerow.model.anonymity import Hierarchy, KAnonymousTable, LinkageResult, LossMean, ReleaseParameters
from hedgerow.model.criteria import Model
from hedgerow.model.errors import CallerError
from hedgerow.techniques.anonymity.columns import built_hierarchy, coded, texts
from hedgerow.techniques.anonymity.frames import arrow_of, frame_of, native_of
from hedgerow.techniques.anonymity.parameters import Share, check_columns, release_parameters
from hedgerow.techniques.anonymity.release import release

FrameT = TypeVar("FrameT")


def k_anonymous(  # noqa: PLR0913 - keywords, each a choice of its own
    table: FrameT,
    *,
    quasi: Sequence[str],
    k: int,
    sensitive: Sequence[str] = (),
    keep: Sequence[str] = (),
    suppression_limit: Share = Fraction(1, 20),
    l: int | None = None,  # noqa: E741 - the field's own word, as k
    hierarchies: Mapping[str, Hierarchy] | None = None,
    max_levels: Mapping[str, int] | None = None,
    person: str | None = None,
    models: Sequence[str | Model] = (),
    population: Any = None,  # noqa: ANN401 - a number of people or any table that narwhals knows
    weights: Mapping[str, Share] | None = None,
    mean: LossMean = "arithmetic",
    most_checks: int | None = None,
) -> KAnonymousTable[FrameT]:
    """Make a k-anonymous table by generalising quasi-identifiers and dropping rows, at the least loss.

    Args:
        table: A pyarrow, pandas or Polars table; a pandas index is left behind.
        quasi: Quasi-identifiers: columns that identify people in combination.
        k: Least number of rows in a class, at least 2.
        sensitive: Sensitive attributes, released as they are.
        keep: Other columns released as they are, on your word that they identify nobody.
        suppression_limit: Largest share of rows dropped, 0 to 1.
        l: Least number of distinct values of each sensitive attribute in a class, or none.
        hierarchies: Hierarchy per quasi-identifier; those left out are built from the values.
        max_levels: Coarsest level allowed per quasi-identifier.
        person: Column that tells whose row it is, where a person may have several; not released.
        models: What must hold besides k: texts such as ``entropy-l(diagnosis)=3``, or models.
        population: How many people, or a table of them with the quasi-identifiers, where models need it.
        weights: What each quasi-identifier counts in the loss, 0 or more, 1 where not named.
        mean: How losses of columns are joined: ``arithmetic``; ``geometric``: of each plus 1, less 1.
        most_checks: Combinations of levels counted at most; none goes on until the optimum is proven.

    Returns:
        The de-identified table, of the kind given, with its risk; ungoverned: in no ledger.

    Raises:
        CallerError: For what does not fit; a column that is not listed could identify people.
        Refused: ``anonymity.unreachable``.

    Guarantee:
        Each combination of released quasi-identifiers stands in ``k`` rows (of ``k`` people with
        ``person``), with ``l`` distinct sensitive values where asked, and all models hold. What
        else an attacker knows is not covered: it is not anonymous.

    Source:
        Samarati and Sweeney, Protecting privacy (1998); loss after Iyengar (KDD 2002).
    """
    asked = release_parameters(
        quasi=quasi, k=k, sensitive=sensitive, keep=keep, suppression_limit=suppression_limit, l=l,
        hierarchies=hierarchies, max_levels=max_levels, person=person, models=models,
        population=population if isinstance(population, int) else None,
        weights=weights, mean=mean, most_checks=most_checks,
    )  # fmt: skip
    return _released(table, asked, population)


def linkage_attack(
    attacker: Any,  # noqa: ANN401 - any table that narwhals knows
    release: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    quasi: Sequence[str],
    hierarchies: Mapping[str, Hierarchy] | None = None,
) -> LinkageResult:
    """Try to find people in a table from quasi-identifiers that an attacker knows.

    Args:
        attacker: One row per person known, with the quasi-identifiers as collected; other columns,
            such as names, are not read.
        release: The table to search, raw or generalised.
        quasi: The quasi-identifiers that both tables have.
        hierarchies: Hierarchies by which the release may have been generalised; the attacker
            infers the level of each column from the released values.

    Returns:
        How many rows fit each person: one means singled out.

    Raises:
        CallerError: For no table, or a column that either table lacks.
    """
    asked = ReleaseParameters(quasi=tuple(quasi), k=2)
    sides: list[list[list[str | None]]] = []
    for frame in (frame_of(attacker), frame_of(release)):
        check_columns(asked, frame.columns)
        arrow = arrow_of(frame)
        sides.append([texts(arrow, name) for name in asked.quasi])
    known = [(hierarchies or {}).get(name) for name in asked.quasi]
    return linkage(candidate_counts(sides[0], sides[1], known))


def hierarchies_for(table: Any, columns: Sequence[str]) -> dict[str, Hierarchy]:  # noqa: ANN401 - any table
    """Build hierarchies from a table's values, as ``k_anonymous`` does where none is given.

    Args:
        table: A pyarrow, pandas or Polars table.
        columns: The columns.

    Returns:
        A hierarchy per column. It holds the column's values: treat it like the table.

    Raises:
        CallerError: For no table, an unknown column or a type that a release cannot hold.
    """
    frame = frame_of(table)
    check_columns(ReleaseParameters(quasi=tuple(columns), k=2), frame.columns)
    arrow = arrow_of(frame)
    return {name: built_hierarchy(coded(arrow, name)) for name in columns}


def _released(table: FrameT, asked: ReleaseParameters, population: object) -> KAnonymousTable[FrameT]:
    frame = frame_of(table)
    check_columns(asked, frame.columns)
    for name in frame.columns:
        if name not in asked.columns:
            raise CallerError("anonymity.unlisted-column", column=name)
    everybody = None if population is None or isinstance(population, int) else arrow_of(frame_of(population))
    made = release(arrow_of(frame), asked, ungoverned=True, population=everybody)
    # Whose row is whose is for the gate alone.
    return replace(made, table=native_of(made.table, frame), people=None)
