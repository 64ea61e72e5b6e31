"""The small town of the crash tests: what every act means for what a workspace must hold afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

DATASET, PURPOSE, ANALYST = "visits", "research", "analyst1"
SQL = "SELECT ward, COUNT(*), AVG(age) FROM visits GROUP BY ward"
EPSILON = "0.05"
WARDS = ("A", "B", "C")
BASE, LAST = 0, 9
MARK = "Quillfeather"  # part of every name and of every broken row; it must stand in no file in the open
GIVEN, CHANGED = "2024-01-05T00:00:00Z", "2024-06-01T00:00:00Z"
BASE_PEOPLE, BASE_ROWS, BATCH_PEOPLE, BATCH_ROWS = 120, 200, 12, 30
_RETURNING = 4

Act = dict[str, str | int]


def people_of(batch: int) -> list[str]:
    """Name the people of a batch; a few of the first batch return in each later one."""
    if batch == BASE:
        return [f"p0-{i:03d}" for i in range(BASE_PEOPLE)]
    return [f"p{batch}-{i:03d}" for i in range(BATCH_PEOPLE)] + [
        f"p0-{batch * 5 + i:03d}" for i in range(_RETURNING)
    ]


def visits_of(batch: int) -> list[tuple[int, str]]:
    """List each row's own number and its person."""
    people = people_of(batch)
    count = BASE_ROWS if batch == BASE else BATCH_ROWS
    return [(batch * 1000 + i, people[i % len(people)]) for i in range(count)]


def broken_of(batch: int) -> str:
    """Give the row of a batch that has too many cells."""
    return f"{batch * 1000 + 999},broken-{batch},{MARK} {batch},A,30,one,cell,too,many"


def name_of(ref: str) -> str:
    return f"Ada {MARK} of {ref}"


def write_files(folder: Path) -> None:
    """Write every batch and its consents."""
    for batch in (BASE, *range(1, LAST + 1)):
        rows = [f"{n},{ref},{name_of(ref)},{WARDS[n % 3]},{20 + n % 60}" for n, ref in visits_of(batch)]
        rows.insert(3, broken_of(batch))
        (folder / f"{batch}.csv").write_text("\n".join(["visit,patient,name,ward,age", *rows, ""]))
        given = [f"{ref},{PURPOSE},true,{GIVEN}" for ref in people_of(batch)]
        (folder / f"{batch}.consents.csv").write_text("\n".join(["subject,purpose,granted,time", *given, ""]))


def script(seed: int) -> list[Act]:
    """Draw an order of acts: collections, queries, erasures and withdrawals."""
    draw = random.Random(seed)
    acts: list[Act] = [{"do": "collect", "batch": batch} for batch in (1, 2, 3)]
    acts += [{"do": "query", "id": f"ask-{seed}-{i}"} for i in range(4)]
    gone = draw.sample(range(BASE_PEOPLE), 5)
    acts += [{"do": "erase", "ref": f"p0-{i:03d}"} for i in gone[:3]]
    acts += [{"do": "withdraw", "ref": f"p0-{i:03d}"} for i in gone[3:]]
    draw.shuffle(acts)
    return acts


@dataclass(frozen=True)
class Holding:
    """What a workspace holds: row numbers, people, withdrawn choices, rows set aside, declared columns."""

    rows: frozenset[int]
    held: frozenset[str]
    erased: frozenset[str]
    withdrawn: frozenset[str]
    aside: frozenset[str]
    declared: frozenset[str]

    def after(self, act: Mapping[str, str | int]) -> Holding:
        """Tell what is held once an act is done, by the rules of the product and not by its code."""
        ref = str(act.get("ref"))
        match act["do"]:
            case "collect":
                batch = int(act["batch"])
                rows = {n for n, whose in visits_of(batch) if whose not in self.erased}
                people = set(people_of(batch)) - self.erased
                declared = {str(act["declares"])} if "declares" in act else set()
                return Holding(
                    self.rows | rows, self.held | people, self.erased, self.withdrawn,
                    self.aside | {broken_of(batch)}, self.declared | declared,
                )  # fmt: skip
            case "erase":
                own = {n for batch in range(LAST + 1) for n, whose in visits_of(batch) if whose == ref}
                return Holding(
                    self.rows - own,
                    self.held - {ref},
                    self.erased | {ref},
                    self.withdrawn - {ref},
                    self.aside,
                    self.declared,
                )
            case "drop":
                nothing: frozenset[str] = frozenset()
                return Holding(frozenset(), self.held, self.erased, self.withdrawn, nothing, nothing)
            case "withdraw":
                return Holding(
                    self.rows, self.held, self.erased, self.withdrawn | {ref}, self.aside, self.declared
                )
        return self

    def differences(self, other: Holding) -> list[str]:
        """Name what another holding lacks or has beyond this one."""
        found = []
        for field in ("rows", "held", "erased", "withdrawn", "aside", "declared"):
            mine, theirs = getattr(self, field), getattr(other, field)
            if mine - theirs:
                found.append(f"{field} lost: {sorted(mine - theirs)[:5]}")
            if theirs - mine:
                found.append(f"{field} too many: {sorted(theirs - mine)[:5]}")
        return found


NOTHING = Holding(*[frozenset()] * 5, frozenset({"age", "ward"}))


def holding_after(acts: Iterable[Mapping[str, str | int]]) -> Holding:
    """Tell what a workspace holds after the first batch and then these acts."""
    held = NOTHING.after({"do": "collect", "batch": BASE})
    for act in acts:
        held = held.after(act)
    return held
