"""The walk through Riverside: each act on the generated town, what was refused told as proudly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from hedgerow.app import workspace
from hedgerow.app.declaring import Asked
from hedgerow.app.demo.linking import KNOWN, link_pseudonyms, link_release
from hedgerow.app.demo.town import Town, generate, write
from hedgerow.app.hierarchies import read_hierarchies
from hedgerow.app.outputs import write_out
from hedgerow.app.report import render
from hedgerow.app.service.collecting import CollectRequest, discover
from hedgerow.app.service.releasing import ReleaseRequest
from hedgerow.app.space import Space, open_space
from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.uses import Json
from hedgerow.model.words import Basis, many

CLINICS = ("clinic_north_visits", "clinic_south_visits", "clinic_river_visits")
QUASI = KNOWN
QUESTION = "SELECT ward, COUNT(*), AVG(systolic) FROM visits GROUP BY ward"
SUGGESTED = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
_SKIPPED = ("visit_id", "birth_date", "visit_date")
Say = Callable[[str], None]


@dataclass(slots=True)
class Walk:
    """The demo as it goes along."""

    directory: Path
    say: Say
    town: Town
    paths: Mapping[str, Path]
    space: Space
    acts: list[Json] = field(default_factory=list)
    figures: dict[str, Json] = field(default_factory=dict)

    def act(self, title: str, *lines: str) -> None:
        """Tell one act and keep it for the report, a line to a paragraph."""
        number = len(self.acts) + 1
        self.say(f"\nAct {number}: {title}")
        for line in lines:
            self.say(f"  {line}")
        self.acts.append({"number": number, "title": title, "said": "\n".join(lines)})

    def refusal(self, attempt: Callable[[], object]) -> str:
        """Try what must be refused and word the refusal.

        Raises:
            RuntimeError: When it was not refused.
        """
        try:
            attempt()
        except HedgerowError as error:
            # A list without spaces would not break anywhere on a narrow screen.
            word = "REFUSED" if isinstance(error, Refused) else "ERROR"
            return f"{word}  {_spaced(error.message)} ({error.code})"
        raise RuntimeError("the demo was allowed what it must not be")


def free_directory(wished: Path) -> Path:
    """Find a directory of the demo's own: the wished one, or the next free number after it.

    Raises:
        CallerError: ``space.unwritable`` when it cannot be made.
    """
    number = 1
    directory = wished
    while directory.exists():
        number += 1
        directory = wished.with_name(f"{wished.name}-{number}")
    try:
        directory.mkdir(mode=0o700, parents=True)
    except OSError:
        raise CallerError("space.unwritable", space=directory) from None
    return directory


def run_demo(wished: Path, say: Say, *, people: int = 2000, program: str = "hedgerow") -> dict[str, Json]:
    """Walk the acts.

    Args:
        wished: Where the demo may live; a number is added when something is there.
        say: Told each line.
        people: How many people the town has.
        program: How the suggested commands name the program.

    Returns:
        ``directory``, ``space``, ``report``, ``acts``, ``figures`` and ``commands``.
    """
    directory = free_directory(wished)
    town = generate(people=people)
    paths = write(town, directory / "town")
    workspace.create(directory / "space", None)
    with open_space(directory / "space", passphrase=lambda _: None) as space:
        walk = Walk(directory, say, town, paths, space)
        for act in (_founding, _discovering, _consenting, _locking, _refusing, _releasing, _asking,
                    _choosing, _leaving, _proving):  # fmt: skip
            act(walk)
        return _ending(walk, program)


def _founding(walk: Walk) -> None:
    service, until = walk.space.service, date.today() + timedelta(days=365)  # noqa: DTZ011 - any day of next year
    service.add_principal("ana", ["analyst"])
    service.add_principal("priya", ["privacy-officer"])
    service.add_purpose("research", "find which treatments help the people of Riverside", "priya", until)
    service.add_purpose("marketing", "offer products", "priya", until)
    rows = sum(walk.town.tables[name].num_rows for name in CLINICS)
    walk.act(
        "A town and a workspace",
        f"Riverside: {many(len(walk.town.tables), 'table')} of generated people; its three clinics hold"
        f" {many(rows, 'visit')}.",
        "A workspace with an owner, an analyst (ana) and a privacy officer (priya); two purposes, each"
        " with an end.",
    )


def _discovering(walk: Walk) -> None:
    found = cast("list[dict[str, Any]]", discover(walk.paths[CLINICS[0]].parent)["files"])
    columns = [column for file in found for column in file["columns"]]
    direct = sorted({c["category"] for c in columns if c["role"] == "direct-identifier"})
    count = sum(c["role"] == "direct-identifier" for c in columns)
    walk.figures["direct_identifiers"] = count
    walk.act(
        "Discovery",
        f"{many(len(found), 'file')}, {many(len(columns), 'column')}:"
        f" {many(count, 'direct identifier')} found, no value shown.",
        f"Their kinds: {', '.join(direct)}.",
    )


def _consenting(walk: Walk) -> None:
    service, taken = walk.space.service, []
    first = CollectRequest(walk.paths[CLINICS[0]], "visits", "patient_ref", {"research": Basis.CONSENT})
    silent = walk.refusal(lambda: service.plan_collect(first))
    for name in CLINICS:
        request = CollectRequest(
            walk.paths[name], "visits", "patient_ref", {"research": Basis.CONSENT}, drop=_SKIPPED,
            consents=walk.paths["consents"],
        )  # fmt: skip
        taken.append(service.collect(service.plan_collect(request)))
    people = sum(cast("int", t["new_people"]) for t in taken)
    choices = sum(cast("int", t["consents"]) for t in taken)
    walk.figures |= {"people": people, "consents": choices}
    walk.act(
        "Collection with consent",
        silent,
        f"Three clinics collected for research on the basis of consent: {people:,} people,"
        f" {choices:,} of whom said yes.",
        "Only those who said yes will be in any result.",
    )


def _locking(walk: Walk) -> None:
    names = {str(name).encode() for name in walk.town.tables[CLINICS[0]]["full_name"].to_pylist()}
    before = walk.paths[CLINICS[0]].read_bytes()
    files = [path for path in (walk.directory / "space").rglob("*") if path.is_file()]
    contents = [path.read_bytes() for path in files]
    raw = sum(name in before for name in names)
    kept = sum(any(name in content for content in contents) for name in names)
    walk.figures |= {"names_in_source": raw, "names_in_workspace": kept}
    walk.act(
        "Locked away",
        f"A thief of the disk searches for {many(raw, 'name')}: in the clinic's file {raw:,} are found,"
        f" in the {many(len(files), 'file')} of the workspace {kept:,}.",
        "Each person's identifiers are sealed under a key of their own.",
    )


def _refusing(walk: Walk) -> None:
    ana = walk.space.acting_as("ana")
    by_name = "SELECT full_name, COUNT(*) FROM visits GROUP BY full_name"
    walk.act(
        "The analyst is refused, and told why",
        walk.refusal(lambda: ana.query("visits", QUESTION, epsilon="0.5")),
        walk.refusal(lambda: ana.query("visits", QUESTION, epsilon="0.5", purpose="marketing")),
        walk.refusal(lambda: ana.query("visits", by_name, epsilon="0.5", purpose="research")),
        walk.refusal(lambda: ana.query("visits", QUESTION, epsilon="0.5", purpose="research")),
        walk.refusal(lambda: ana.service.show_subject("R-000001")),
    )


def _releasing(walk: Walk) -> None:
    raw = link_pseudonyms(walk.town, CLINICS)
    out = walk.directory / "visits-k5.csv"
    hierarchies = read_hierarchies(walk.paths["hierarchies"], QUASI)
    priya = walk.space.acting_as("priya").service
    asked = ReleaseRequest("visits", QUASI, 5, ("diagnosis",), hierarchies=hierarchies)
    made = priya.release(asked, purpose="research", out=out, force=False)
    options = pa_csv.ConvertOptions(column_types={name: pa.string() for name in QUASI})
    released = link_release(walk.town, pa_csv.read_csv(out, convert_options=options), hierarchies)
    summary = cast("Mapping[str, Json]", made["summary"])
    walk.figures |= {
        "singled_out_raw": raw.found, "re_identified_raw": raw.right, "singled_out_released": released.found,
        "k": 5,
    }  # fmt: skip
    walk.act(
        "Pseudonyms are not enough; a k-anonymous release, and the attack that fails on it",
        "First the wrong way: the clinics' visits with a pseudonym in place of each name. Somebody lays the"
        f" member list of a club beside it ({raw.listed} names, ages, zips): by zip, age and sex"
        f" {many(raw.found, 'person fits', 'people fit')} exactly one pseudonym, which is theirs for"
        f" {raw.right}.",
        f"One of them, under the assumed name {raw.assumed}: {many(raw.rows, 'visit')}, each diagnosis read.",
        f"Then the officer releases visits-k5.csv: {summary['classes']} classes, the smallest of "
        f"{summary['smallest_class']} rows; de-identified, not anonymous.",
        f"The same list singles out {many(released.found, 'person', 'people')} in it: whoever fits, fits at"
        f" least {many(released.fewest, 'row')}.",
    )


def _asking(walk: Walk) -> None:
    service, ana = walk.space.service, walk.space.acting_as("ana", purpose="research")
    wards = {"ward": ["A", "B", "C"]}
    service.declare("visits", Asked(max_rows=6, bounds={"systolic": "80:220"}, keys=wards))
    unpaid = walk.refusal(lambda: ana.query("visits", QUESTION, epsilon="1"))
    service.allocate("visits", "research", Fraction(2))
    answer = ana.query("visits", QUESTION, epsilon="1", request_id="demo-1")
    again = ana.query("visits", QUESTION, epsilon="1", request_id="demo-1")
    rows = cast("list[list[Json]]", answer["rows"])
    walk.figures |= {"answer": rows, "replay_is_same": again["rows"] == rows}
    walk.act(
        "A private mean",
        unpaid,
        "; ".join(f"Ward {ward}: {_counted(count)}, mean pressure {mean}" for ward, count, mean in rows)
        + ".",
        str(answer["sentence"]),
        "Asked again under the same id: the same answer, nothing spent. Then ana asks for more than is left:",
        walk.refusal(lambda: ana.query("visits", QUESTION, epsilon="1.5")),
    )


def _choosing(walk: Walk) -> None:
    ref = _consenting_patient(walk.town, 0)
    service = walk.space.acting_as("priya").service
    service.choose(ref, "research", granted=False, notice="2024-1", channel="letter")
    shown = service.show_subject(ref)
    uses = cast("list[Json]", shown["uses"])
    walk.figures["uses_shown_to_person"] = len(uses)
    walk.act(
        "A person looks, and says no",
        f"{shown['assumed_name']} asks who used the data: {many(len(uses), 'use')}, with who, why and how.",
        "The patient withdraws consent; from the next use on, the rows are in no result.",
    )


def _leaving(walk: Walk) -> None:
    ref = _consenting_patient(walk.town, 1)
    service = walk.space.acting_as("priya").service
    name = service.assumed_name(ref)
    certificate = service.erase_subject(ref)
    write_out(walk.directory / "certificate.json", json.dumps(certificate, indent=2).encode(), force=True)
    body = cast("Mapping[str, Json]", certificate["body"])
    releases = len(cast("list[Json]", body["releases_that_may_hold_the_person"]))
    walk.act(
        "Another person leaves",
        f"{name} leaves: key destroyed, rows rewritten, a signed certificate ({body['certificate']}, "
        f"{body['state']}).",
        f"It says what is not final yet and names {many(releases, 'release')} that may hold the person.",
        walk.refusal(lambda: service.show_subject(ref)),
    )


def _proving(walk: Walk) -> None:
    made = walk.space.service.export(walk.directory / "evidence")
    bundle = walk.directory / "evidence"
    trust = ["--trust", str(made["fingerprint"])]
    checked = subprocess.run(  # noqa: S603 - our own verifier, apart from this program
        [sys.executable, "-I", str(bundle / "verify.py"), str(bundle), *trust],
        capture_output=True,
        text=True,
        check=False,
    )
    verdict = checked.stdout.strip().splitlines()[-1] if checked.stdout else "no verdict"
    if checked.returncode != 0:
        raise RuntimeError("the evidence of the demo does not verify")
    walk.figures |= {"journal_entries": made["entries"], "verified": True}
    walk.act(
        "Proof for anyone",
        f"{many(cast('int', made['entries']), 'journal entry', 'journal entries')} leave as a bundle with its"
        f" own verifier, which says: {verdict}.",
    )


def _ending(walk: Walk, program: str) -> dict[str, Json]:
    at = f"--space {walk.directory / 'space'}"
    commands = [
        f"{program} budget show {at}",
        f'{program} query visits "{SUGGESTED}" --purpose research --epsilon 0.2 --as ana {at}',
        f"{program} journal show {at}",
    ]
    report = walk.space.service.report("Riverside: what was refused, used and proven")
    page = render({**report, "acts": walk.acts, "commands": commands})
    out = walk.directory / "report.html"
    write_out(out, page.encode(), force=True)
    return {
        "directory": str(walk.directory),
        "space": str(walk.directory / "space"),
        "report": str(out),
        "acts": walk.acts,
        "figures": walk.figures,
        "commands": commands,
    }


def _counted(count: Json) -> str:
    """Word a noisy count of visits; one below zero stands as it is."""
    return many(count, "visit") if isinstance(count, int) else f"{count} visits"


def _spaced(message: str) -> str:
    return re.sub(r",(?=[a-z_])", ", ", message)


def _consenting_patient(town: Town, place: int) -> str:
    yes = set(town.consents["subject"].to_pylist())
    refs = sorted(set(town.tables[CLINICS[0]]["patient_ref"].to_pylist()) & yes)
    return str(refs[place])
