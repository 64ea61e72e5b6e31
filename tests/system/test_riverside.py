"""Runs the demo twice as a newcomer would, and checks every figure it tells against the town's generator.

Counts are recounted here from the generated tables; noisy answers must lie within a generous multiple of
the interval they state. The commands it suggests are typed as they are printed.
"""

from __future__ import annotations

import csv
import html.parser
import json
import re
import shlex
from collections import Counter, defaultdict
from types import SimpleNamespace

import pytest
from tests.program import Program

from hedgerow.app.demo.town import attacker_view, generate
from hedgerow.app.demo.town.truth import TRUTH
from hedgerow.model.words import ColumnRole

pytestmark = [pytest.mark.system, pytest.mark.slow]

CLINICS = ("clinic_north_visits", "clinic_south_visits", "clinic_river_visits")
GENEROUS = 4
REFUSALS = (
    "collect.not-minimal",
    "purpose.missing",
    "basis.missing",
    "dp.hidden-column",
    "dp.undeclared",
    "policy.not-permitted",
    "budget.unallocated",
    "budget.exhausted",
    "subject.erased",
)
FETCHES = {"src", "srcset", "data", "action"}
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr", "area", "base", "source", "track", "embed"}


@pytest.fixture(scope="module")
def town():
    made = generate(people=2000)
    visits = [row for name in CLINICS for row in made.tables[name].to_pylist()]
    consents = made.consents.select(["subject", "purpose"]).to_pylist()
    yes = {row["subject"] for row in consents if row["purpose"] == "research"}
    return SimpleNamespace(tables=made.tables, visits=visits, consenting=yes)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Run the demo twice in one directory."""
    folder = tmp_path_factory.mktemp("demo")
    runs = []
    for _ in range(2):
        done = Program().type("demo", "--json", cwd=folder)
        assert done.code == 0, done.err
        runs.append(SimpleNamespace(**json.loads(done.out), said=done.err))
    return SimpleNamespace(folder=folder, first=runs[0], second=runs[1])


def test_twice_in_one_directory_gives_two_demos_and_narrates_beside_the_data(walked):
    assert walked.first.directory != walked.second.directory
    for run in (walked.first, walked.second):
        assert [act["number"] for act in run.acts] == list(range(1, len(run.acts) + 1))
        assert all(f"Act {act['number']}: {act['title']}" in run.said for act in run.acts)
    stable = ("people", "consents", "direct_identifiers", "names_in_source", "singled_out_raw", "k")
    assert [walked.first.figures[name] for name in stable] == [walked.second.figures[name] for name in stable]


def test_people_consents_and_identifiers_are_those_of_the_generator(walked, town):
    figures = walked.first.figures
    assert figures["people"] == len({row["patient_ref"] for row in town.visits})
    assert figures["consents"] == len(town.consenting & {row["patient_ref"] for row in town.visits})
    truth = [role for columns in TRUTH.values() for role in columns.values()]
    assert figures["direct_identifiers"] == sum(role is ColumnRole.DIRECT_IDENTIFIER for role in truth)
    assert f"{len(town.visits):,} visits" in walked.first.acts[0]["said"]


def test_no_name_of_the_town_stands_in_the_workspace(walked, town):
    names = {row["full_name"] for row in town.tables[CLINICS[0]].to_pylist()}
    assert walked.first.figures["names_in_source"] == len(names)
    assert walked.first.figures["names_in_workspace"] == 0
    every = {row[column] for row in town.visits for column in ("full_name", "email", "phone", "patient_ref")}
    sample = [str(value).encode() for value in sorted(every)[::31]]
    held = b"\0".join(p.read_bytes() for p in (walked.folder / walked.first.space).rglob("*") if p.is_file())
    assert len(sample) > 100
    assert not [value for value in sample if value in held]


def test_the_attack_wins_on_the_raw_table_and_loses_on_the_release(walked, town):
    figures = walked.first.figures
    assert figures["singled_out_released"] == 0
    quasi = ("age", "zip", "sex")
    people = {(row["patient_ref"], tuple(row[q] for q in quasi)): row["full_name"] for row in town.visits}
    times = Counter(known for _, known in people)
    club = attacker_view(generate(people=2000)).to_pylist()
    found = [row for row in club if times[tuple(row[name] for name in quasi)] == 1]
    names = {(known, name) for (_, known), name in people.items()}
    right = [row for row in found if (tuple(row[name] for name in quasi), row["full_name"]) in names]
    assert (figures["singled_out_raw"], figures["re_identified_raw"]) == (len(found), len(right))
    assert len(right) > 50
    with (walked.folder / walked.first.directory / "visits-k5.csv").open(newline="") as stream:
        released = list(csv.DictReader(stream))
    sizes = Counter(tuple(row[name] for name in quasi) for row in released)
    assert min(sizes.values()) >= figures["k"] == 5
    leased = [row for row in town.visits if row["patient_ref"] in town.consenting]
    assert 0.95 * len(leased) <= len(released) <= len(leased)
    said = walked.first.acts[5]["said"]
    assert f"{len(sizes)} classes, the smallest of {min(sizes.values())} rows" in said
    assert not {"full_name", "email", "phone", "patient_ref"} & set(released[0])
    assert f"exactly one pseudonym, which is theirs for {len(right)}." in said
    assert "singles out 0 people" in said
    assumed = re.search(r"under the assumed name ([A-Z]\w+ [A-Z]\w+)", said)[1]
    everyone = {row["full_name"] for row in club} | {row["full_name"] for row in town.visits}
    assert assumed not in everyone
    assert not [name for name in everyone if name in said]


def test_the_private_answer_is_near_the_truth_and_its_replay_the_same(walked, town):
    bounded = defaultdict(list)
    kept = Counter()
    for row in town.visits:
        if row["patient_ref"] in town.consenting:
            kept[row["patient_ref"]] += 1
            bounded[row["ward"]].append(row["systolic"])
    cut = sum(n - 6 for n in kept.values() if n > 6)  # rows beyond the declared bound do not count
    assert cut < 0.01 * sum(kept.values())
    said = walked.first.acts[6]["said"]
    count_width = float(re.search(r"Counts are within ±([\d.]+)", said)[1])
    mean_width = float(re.search(r"means of systolic are within ±([\d.]+)", said)[1])
    answer = walked.first.figures["answer"]
    assert [row[0] for row in answer] == sorted(bounded)
    for ward, count, mean in answer:
        truth = [value for value in bounded[ward] if value is not None]
        assert abs(float(count) - len(bounded[ward])) <= GENEROUS * count_width + cut
        assert abs(float(mean) - sum(truth) / len(truth)) <= GENEROUS * mean_width
    assert walked.first.figures["replay_is_same"] is True
    assert walked.first.figures["answer"] != walked.second.figures["answer"], "the noise is drawn anew"


def test_each_refusal_names_its_reason(walked):
    told = " ".join(act["said"] for act in walked.first.acts)
    for code in REFUSALS:
        assert f"({code})" in told, code


def test_the_last_acts_leave_a_person_shown_another_erased_and_evidence_that_verifies(walked):
    program = Program(walked.folder / walked.first.space)
    assert (
        walked.first.figures["uses_shown_to_person"] == 2
    )  # the release and the query; the replay is no use
    certificate = json.loads((walked.folder / walked.first.directory / "certificate.json").read_text())
    assert certificate["body"]["state"] == "logical"
    assert len(certificate["body"]["releases_that_may_hold_the_person"]) == 1
    assert walked.first.figures["verified"] is True
    checked = program.json("journal", "verify")
    assert checked["verified"] is True
    assert checked["size"] >= walked.first.figures["journal_entries"]


def test_discovery_names_every_direct_identifier_and_no_measure_or_row_id(walked):
    found = Program().json("discover", walked.folder / walked.first.directory / "town")["files"]
    by_table = {file["file"].split(".")[0]: file["columns"] for file in found}
    roles = {name: {c["column"]: c["role"] for c in by_table[name]} for name in TRUTH}
    harmless = {ColumnRole.MEASURE, ColumnRole.ROW_ID}
    for table, truth in TRUTH.items():
        direct = {name for name, role in roles[table].items() if role == ColumnRole.DIRECT_IDENTIFIER.value}
        assert direct >= {name for name, role in truth.items() if role is ColumnRole.DIRECT_IDENTIFIER}, table
        assert not direct & {name for name, role in truth.items() if role in harmless}, table


class Strict(html.parser.HTMLParser):
    """Reads a page and insists that every element is closed in order and nothing is fetched."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.tags = [], [], Counter()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        for name, value in attrs:
            if name in FETCHES or (name == "href" and not str(value).startswith("#")):
                self.fetched.append((tag, name, value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_file_that_fetches_nothing_and_shows_nobody(walked, town):
    page = (walked.folder / walked.first.report).read_text()
    reader = Strict()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert reader.fetched == []
    assert reader.tags["svg"] >= 1
    assert reader.tags["table"] >= 1
    outside = {url for url in re.findall(r"https?://[^\s\"'<>)]+", page) if "www.w3.org" not in url}
    assert outside == set()
    assert "@import" not in page
    assert "url(" not in page
    people = {str(row[column]) for row in town.visits for column in ("full_name", "email", "patient_ref")}
    assert not [value for value in people if value in page]


def test_the_three_suggested_commands_work_as_printed(walked):
    assert len(walked.first.commands) == 3
    for command in walked.first.commands:
        program, *arguments = shlex.split(command)
        assert program == "hedgerow"
        done = Program().type(*arguments, cwd=walked.folder)
        assert done.code == 0, (command, done.err)
        assert done.out.strip()
