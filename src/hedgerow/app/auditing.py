"""Auditing a finished release that lies in files; needs no workspace and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.app.hierarchies import hierarchy_files, naming_file, read_hierarchies
from hedgerow.model.budget import parse_decimal
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    import pyarrow as pa

    from hedgerow.model.auditing import ReleaseAudit


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What is to be audited, and with what.

    Args:
        released: The released table.
        original: The rows that it was made of, as collected.
        quasi: Columns an attacker knows.
        sensitive: Columns that must stay unknown.
        control: Rows of people who were not in the source, if there are such.
        control_share: Instead, the share of the original, its last rows, that was kept out of the release.
        population: A table of everybody the rows were drawn from, if there is one.
        population_size: Instead, how many people that is.
        hierarchies: Directory of hierarchy files, or none.
        person: Column of the original that tells whose row it is, or none.
        pseudonym: Column of the release that tells which rows belong together, or none.
        link: Two sets of columns to link, or none.
        synthetic: Whether released rows are nobody's.
        at_risk: Chance above which a row is at risk, as decimal text.
        seed: What random choices come from.
    """

    released: Path
    original: Path
    quasi: tuple[str, ...]
    sensitive: tuple[str, ...] = ()
    control: Path | None = None
    control_share: str | None = None
    population: Path | None = None
    population_size: int | None = None
    hierarchies: Path | None = None
    person: str | None = None
    pseudonym: str | None = None
    link: tuple[Sequence[str], Sequence[str]] | None = None
    synthetic: bool = False
    at_risk: str = "0.2"
    seed: int = 0


def audit_files(request: AuditRequest) -> ReleaseAudit:
    """Audit a release that lies in files.

    Args:
        request: What is to be audited.

    Returns:
        The audit; counts, rates and names of columns only.

    Raises:
        CallerError: ``audit.``, ``files.`` and ``hierarchies.`` codes; no value is quoted.
    """
    from hedgerow.techniques.audit.library import audit_release

    folder, files = request.hierarchies, {}
    if folder is not None:
        files = {column: path.name for column, path in hierarchy_files(folder, request.quasi).items()}
    with naming_file(files):
        return audit_release(
            _read(request.original),
            _read(request.released),
            quasi=request.quasi,
            sensitive=request.sensitive,
            control=None if request.control is None else _read(request.control),
            control_share=request.control_share,
            population=None if request.population is None else _read(request.population),
            population_size=request.population_size,
            hierarchies=None if folder is None else read_hierarchies(folder, request.quasi),
            person=request.person,
            pseudonym=request.pseudonym,
            link=request.link,
            synthetic=request.synthetic,
            at_risk=request.at_risk,
            seed=request.seed,
        )


def limit_of(text: str | None) -> Fraction | None:
    """Read the highest risk allowed, exactly.

    Raises:
        CallerError: ``audit.bad-limit``.
    """
    if text is None:
        return None
    limit = parse_decimal(text)
    if limit is None or not 0 <= limit <= 1:
        raise CallerError("audit.bad-limit")
    return limit


def _read(path: Path) -> pa.Table:
    """Read a table whole: a row that is set aside would be a person the audit does not see."""
    from hedgerow.adapters.readers import open_table

    source = open_table(path)
    if source.broken:
        raise CallerError("audit.broken-rows", path=path, rows=len(source.broken), line=source.broken[0].line)
    return source.table
