"""An audit of a finished release as a library function on data frames, without a workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Flags
from hedgerow.kernel.anonymity.risk import histogram
from hedgerow.kernel.attacks.attacking import of
from hedgerow.kernel.attacks.fitting import fitting
from hedgerow.kernel.attacks.reidentification import outlying, reidentification
from hedgerow.kernel.attacks.sides import Side, column
from hedgerow.kernel.attacks.trying import (
    FALSE_ALARM,
    World,
    attempts,
    joined,
    judged,
    one_each,
    parts,
    unread,
)
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.auditing import Candidates, Reidentification, ReleaseAudit
from hedgerow.model.budget import parse_decimal
from hedgerow.model.calls import MAPPING, TRUTH, WHOLE, Fit, door
from hedgerow.model.errors import CallerError
from hedgerow.techniques.audit.columns import (
    arrow_of,
    check_columns,
    first_rows,
    hierarchies_of,
    side,
)
from hedgerow.techniques.audit.statements import told

ShareLike: TypeAlias = "float | int | str | Decimal | Fraction"
Frame: TypeAlias = Any
_Names: TypeAlias = "tuple[str, ...]"

_AT_RISK = Fraction(1, 5)
_HALF = 2
_FITS = {
    "hierarchies": Fit("a mapping of column to hierarchy", "{'age': ...}", MAPPING.or_none().fits),
    "population_size": WHOLE.or_none(),
    "synthetic": TRUTH,
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked, checked as far as it can be without the tables."""

    quasi: _Names
    sensitive: _Names
    link: tuple[_Names, _Names] | None
    person: str | None
    pseudonym: str | None
    hierarchies: Mapping[str, Hierarchy]
    population_size: int | None
    is_synthetic: bool
    at_risk: Fraction
    seed: int

    def read(self, table: str) -> _Names:
        """The columns that a table must have."""
        if table == "population":
            return self.quasi
        whose = self.pseudonym if table == "release" else self.person
        return (*self.names, *(() if whose is None else (whose,)))

    @property
    def names(self) -> _Names:
        """Every column that is looked at."""
        first, second = self.link or ((), ())
        return tuple(dict.fromkeys((*self.quasi, *self.sensitive, *first, *second)))


@door("audit.audit_release", _FITS)
def audit_release(  # noqa: PLR0913 - keywords, each a choice of its own
    original: Frame,
    released: Frame,
    *,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    control: Frame | None = None,
    control_share: ShareLike | None = None,
    population: Frame | None = None,
    population_size: int | None = None,
    hierarchies: Mapping[str, Hierarchy | Sequence[Sequence[str]]] | None = None,
    person: str | None = None,
    pseudonym: str | None = None,
    link: tuple[Sequence[str], Sequence[str]] | None = None,
    synthetic: bool = False,
    at_risk: ShareLike = _AT_RISK,
    seed: int = 0,
) -> ReleaseAudit:
    """State the risk of a finished release and attack it: singling out, linkability, inference.

    Args:
        original: The rows that the release was made of, as collected.
        released: Generalised, pseudonymised or synthetic rows under the same column names.
        quasi: Columns that the attacker knows of people.
        sensitive: Columns that must stay unknown.
        control: Rows of people like those of the original who were not in the release's source.
        control_share: Instead, the share of ``original``, its last rows, that was kept out of the release.
        population: Everybody the rows were drawn from, with the quasi-identifiers as collected.
        population_size: Instead, how many people that is.
        hierarchies: Hierarchy by column, or its rows of value, level 1, up to the coarsest.
        person: Column of original and control that tells whose row it is; else each row is a person.
        pseudonym: Column of the release that tells which rows belong together, if it has one.
        link: Two sets of columns that an attacker of linkability holds apart; worked out where not given.
        synthetic: Whether the released rows are nobody's, so that classes say nothing of people.
        at_risk: Chance above which a row counts as being at risk, above 0 and at most 1.
        seed: What ties, line-ups and draws of people come from.

    Returns:
        Counts, rates and names of columns; no value of a person.

    Raises:
        CallerError: For tables, columns or numbers that do not fit.

    Guarantee:
        A release independent of who was in the source shows a risk with chance at most 0.01, whatever the
        data. One whose combinations of quasi-identifiers stand twice or more singles out nobody on them.

    Source:
        WP216 (2014) for the attacks, El Emam and Dankar (2008) for the risks; docs/adr/0043.
    """
    asked = _Asked(
        _names(quasi), _names(sensitive), _link(link), person, pseudonym,
        hierarchies_of(hierarchies or {}, _names(quasi)), population_size, synthetic,
        _share(at_risk, "at_risk"), seed,
    )  # fmt: skip
    _check(asked, control, control_share, population)
    sources = {"original": original, "control": control, "release": released, "population": population}
    return _audited(sources, asked, control_share)


def _audited(sources: Mapping[str, Frame], asked: _Asked, share: ShareLike | None) -> ReleaseAudit:
    tables = {name: arrow_of(each, name) for name, each in sources.items() if each is not None}
    for name, table in tables.items():
        check_columns(table, asked.read(name), name)
    people_of = [first_rows(tables[name], asked.person) for name in ("original", "control") if name in tables]
    rows, is_member = tables["release"], _groups(people_of, share)
    people = {name: side(name, *people_of) for name in asked.names}
    cells = {name: side(name, rows) for name in asked.names}
    columns = joined(people, cells, asked.hierarchies)
    alone = one_each(columns, asked.quasi, None if asked.pseudonym is None else side(asked.pseudonym, rows))
    world = World(is_member, people, cells, columns, alone, np.random.default_rng(asked.seed))
    tried = attempts(
        world, asked.quasi, asked.sensitive, asked.link or parts(world, asked.quasi, asked.sensitive)
    )
    blind = unread(world, is_synthetic=asked.is_synthetic)
    unlisted = tuple(name for name in rows.column_names if name not in asked.names)
    measured = _numbers(rows)
    audit = ReleaseAudit(
        quasi=asked.quasi,
        sensitive=asked.sensitive,
        others=tuple(name for name in unlisted if name != asked.pseudonym),
        identifying=_identifying(people_of[0], rows, unlisted),
        original_rows=int(is_member.sum()),
        released_rows=rows.num_rows,
        control_rows=int((~is_member).sum()),
        is_synthetic=asked.is_synthetic,
        person=asked.person,
        pseudonym=asked.pseudonym,
        reidentification=None if asked.is_synthetic else _risk(world, asked, tables.get("population")),
        candidates=_candidates(world, asked.quasi),
        attacks=tuple(judged(each, is_member, FALSE_ALARM / len(tried), blind=blind) for each in tried),
        outlier_rows=len(outlying(measured)),
        outlier_columns=len(measured),
        seed=asked.seed,
        unread=blind,
    )
    return told(audit)


def _check(asked: _Asked, control: object, share: object, population: object) -> None:
    """Refuse what contradicts itself before any table is read."""
    if not asked.quasi:
        raise CallerError("audit.no-quasi")
    for name, times in Counter((*asked.quasi, *asked.sensitive)).items():
        if times > 1:
            raise CallerError("audit.repeated-column", column=name)
    if not isinstance(asked.seed, int) or isinstance(asked.seed, bool) or asked.seed < 0:
        raise CallerError("audit.bad-seed")
    if control is not None and share is not None:
        raise CallerError("audit.two-controls")
    if population is not None and asked.population_size is not None:
        raise CallerError("audit.two-populations")


def _link(link: tuple[Sequence[str], Sequence[str]] | None) -> tuple[_Names, _Names] | None:
    if link is None:
        return None
    first, second = _names(link[0]), _names(link[1])
    if not first or not second or set(first) & set(second):
        raise CallerError("audit.bad-link")
    return first, second


def _groups(people_of: Sequence[pa.Table], share: ShareLike | None) -> Flags:
    """Who was in the source, row by row over all tables."""
    rows, kept_out = people_of[0].num_rows, 0
    if share is not None:
        kept_out = int(_share(share, "The control share") * rows)
        if not 0 < kept_out < rows:
            raise CallerError("audit.control-too-small")
    everyone = sum(table.num_rows for table in people_of)
    return np.asarray(np.arange(everyone) < rows - kept_out, dtype=np.bool_)


def _risk(world: World, asked: _Asked, population: pa.Table | None) -> Reidentification:
    codes, size = [world.alone[name].rows for name in asked.quasi], asked.population_size
    if size is not None and size < len(codes[0]):
        raise CallerError("audit.population-too-small", size=size, rows=len(codes[0]))
    crowd = None
    if population is not None:
        crowd = [
            column(side(name, population), world.rows[name], asked.hierarchies.get(name))
            for name in asked.quasi
        ]
        crowd = [replace(each, rows=found) for each, found in zip(crowd, codes, strict=True)]
    return reidentification(codes, at_risk=asked.at_risk, population=crowd, population_size=size)


def _candidates(world: World, quasi: _Names) -> Candidates:
    members = np.flatnonzero(world.is_member)
    counts = fitting(of([world.alone[name] for name in quasi], members)).candidates()
    return Candidates(len(members), histogram(counts))


def _identifying(original: pa.Table, released: pa.Table, others: Sequence[str]) -> _Names:
    """The unlisted columns whose cells point at one person each and stand in the original."""
    return tuple(
        name
        for name in others
        if name in original.column_names and _are_one_to_one(side(name, original), side(name, released))
    )


def _are_one_to_one(original: Side, released: Side) -> bool:
    """Whether most people of the original have a cell of their own there that is released."""
    known = {original.texts[place] for place in np.unique(original.codes).tolist()} - {None}
    shown = {released.texts[place] for place in np.unique(released.codes).tolist()}
    return _HALF * len(known & shown) >= len(original.codes)


def _numbers(released: pa.Table) -> list[Any]:
    """The released columns that are numbers throughout."""
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    named = [field.name for field in released.schema if any(test(field.type) for test in kinds)]
    return [side(name, released).numbers for name in named]


def _share(value: ShareLike, name: str) -> Fraction:
    share = value if isinstance(value, Fraction) else parse_decimal(str(value))
    if share is None or not 0 < share <= 1:
        raise CallerError("audit.bad-share", name=name)
    return share


def _names(names: Sequence[str]) -> _Names:
    return (names,) if isinstance(names, str) else tuple(names)
