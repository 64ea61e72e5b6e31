"""Takes 30,162 real rows through the whole house by its real command line, and recounts every claim.

Nothing of the product computes an expected value here: the hierarchies are read, the classes and people
counted, the intervals compared and the exports looked up in plain Python over the source file.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.program import Program

pytestmark = [pytest.mark.system, pytest.mark.slow]

K = 5
PERSON, NAME = "person_id", "full_name"
SEXES = ("Female", "Male")
GENEROUS = 4  # times the half width of the stated 95% interval: beyond it fewer than one in 100,000
REQUEST = "adult-release"


def source_rows(shared_data):
    with (shared_data / "adult" / "adult.csv").open(newline="") as stream:
        head, *rows = csv.reader(stream, delimiter=";")
    return head, rows


def with_people(rows, draw):
    """Give each row a person; about one row in ten is the second one of somebody seen before."""
    refs, once = [], []
    for at in range(len(rows)):
        if once and draw.random() < 0.1:
            refs.append(once.pop(draw.randrange(len(once))))
        else:
            refs.append(f"AP-{at:06d}")
            once.append(refs[-1])
    return refs


def write_inputs(folder, shared_data):
    """Write the table with its people, and consents for nine in ten of them."""
    draw = random.Random(20_260)
    head, rows = source_rows(shared_data)
    refs = with_people(rows, draw)
    people = list(dict.fromkeys(refs))
    consenting = {ref for ref in people if draw.random() < 0.9}
    names = {ref: f"Wilhelmina Quarterstaff {ref[3:]}" for ref in people}
    with (folder / "adult.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow([PERSON, NAME, *head, "desk_note"])
        writer.writerows([ref, names[ref], *row, "n/a"] for ref, row in zip(refs, rows, strict=True))
    with (folder / "consents.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["subject", "purpose", "time"])
        writer.writerows([ref, "research", "2025-01-01T00:00:00Z"] for ref in sorted(consenting))
    return SimpleNamespace(head=head, rows=rows, refs=refs, people=people, consenting=consenting, names=names)


@pytest.fixture(scope="module")
def adult(tmp_path_factory, shared_data):
    """Walk the whole way once; each test below judges one part of it."""
    folder = tmp_path_factory.mktemp("adult")
    made = write_inputs(folder, shared_data)
    program = Program(folder / "space", "a passphrase")
    made.folder, made.program, made.hierarchies = folder, program, shared_data / "adult"
    made.found = program.json("discover", folder / "adult.csv")["files"][0]
    made.fingerprint = program.call("init", folder / "space", "--json").json["fingerprint"]
    program.do("purpose", "add", "research", "--why", "pay", "--owner", "owner", "--until", "2099-01-01")
    made.silent = program.type(*collect(made)[:-2])
    made.taken = program.json(*collect(made))
    made.release = program.json(*release(made, K, folder / "released.csv"), "--request-id", REQUEST)
    program.do("dataset", "declare", "adult", "--max-rows", "2", "--bounds", "age=17:90",
               "--keys", f"sex={','.join(SEXES)}")  # fmt: skip
    program.do("budget", "allocate", "adult", "--epsilon", "2", "--purpose", "research")
    asked = "SELECT sex, COUNT(*), AVG(age) FROM adult GROUP BY sex"
    made.answer = program.json("query", "adult", asked, "--purpose", "research", "--epsilon", "1")
    return made


def collect(made):
    return ("collect", made.folder / "adult.csv", "--dataset", "adult", "--subject-key", PERSON,
            "--purpose", "research", "--basis", "consent", "--consents", made.folder / "consents.csv",
            "--drop", "desk_note")  # fmt: skip


def release(made, k, out):
    return ("release", "adult", "--purpose", "research", "--quasi", ",".join(made.head), "--k", str(k),
            "--hierarchies", made.hierarchies, "--out", out)  # fmt: skip


def leased(made):
    """The rows of those who said yes, each with its person."""
    return [
        (ref, dict(zip(made.head, row, strict=True)))
        for ref, row in zip(made.refs, made.rows, strict=True)
        if ref in made.consenting
    ]


def ladders(made):
    """Each column's hierarchy: value to its generalisations, level by level."""
    read = {}
    for name in made.head:
        with (made.hierarchies / f"adult_hierarchy_{name}.csv").open(newline="") as stream:
            read[name] = {row[0]: row for row in csv.reader(stream, delimiter=";")}
    return read


def released_rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_discovery_finds_delimiter_types_and_roles(adult):
    assert (adult.found["delimiter"], adult.found["rows"], adult.found["broken"]) == (
        ";",
        len(adult.rows),
        [],
    )
    roles = {column["column"]: column["role"] for column in adult.found["columns"]}
    assert {name for name, role in roles.items() if role == "direct-identifier"} == {PERSON, NAME}
    assert roles["salary-class"] == "sensitive-attribute"
    assert all(roles[name] == "quasi-identifier" for name in adult.head if name != "salary-class")
    types = {c["name"]: c["type"] for c in adult.program.json("dataset", "show", "adult")["columns"]}
    assert types["age"] == "integer"
    assert set(types.values()) == {"integer", "text"}
    assert set(types) == {PERSON, NAME, *adult.head}


def test_collecting_without_saying_what_is_needed_is_refused_with_the_line_to_type(adult):
    assert (adult.silent.code, adult.silent.error) == (3, "collect.not-minimal")
    assert "--keep" in adult.silent.err


def test_every_row_and_person_is_taken(adult):
    assert (adult.taken["rows"], adult.taken["people"]) == (len(adult.rows), len(adult.people))
    assert adult.taken["consents"] == len(adult.consenting)
    assert len(adult.people) < len(adult.rows)
    assert (adult.taken["set_aside"], adult.taken["left_out_as_erased"]) == (0, 0)
    repeated = adult.program.type(*collect(adult))
    assert (repeated.code, repeated.error) == (2, "collect.taken-before")


def test_release_is_the_full_domain_generalisation_of_the_leased_rows_with_k_people_in_each_class(adult):
    rows, read = leased(adult), ladders(adult)
    told = adult.release["summary"]
    level = {name: int(text.split(" ")[0]) for name, text in told["levels"].items()}
    expected, people = Counter(), defaultdict(set)
    for ref, row in rows:
        key = tuple(read[name][row[name]][level[name]] for name in adult.head)
        expected[key] += 1
        people[key].add(ref)
    got = Counter(
        tuple(row[name] for name in adult.head) for row in released_rows(adult.folder / "released.csv")
    )
    assert got
    for key, count in got.items():
        assert count == expected[key], "a class is not whole"
        assert count >= K
        assert len(people[key]) >= K, "rows of too few people make a class"
    dropped = len(rows) - sum(got.values())
    assert 0 <= dropped <= 0.05 * len(rows)
    assert (told["rows"], told["classes"]) == (sum(got.values()), len(got))
    assert told["smallest_class"] == min(got.values())


def test_every_released_value_generalises_a_source_value(adult):
    rows, read = leased(adult), ladders(adult)
    for name in adult.head:
        reachable = {step for _, row in rows for step in read[name][row[name]]}
        assert {row[name] for row in released_rows(adult.folder / "released.csv")} <= reachable


def test_the_same_request_gives_the_same_release_and_a_k_beyond_all_people_leaves_no_file(adult):
    again, out = adult.folder / "again.csv", adult.folder / "impossible.csv"
    adult.program.do(*release(adult, K, again), "--request-id", REQUEST)
    assert again.read_bytes() == (adult.folder / "released.csv").read_bytes()
    before = set(adult.folder.iterdir())
    # More than there are people, yet not more than there are rows.
    impossible = adult.program.type(*release(adult, len(adult.consenting) + 1, out))
    assert (impossible.code, impossible.error) == (3, "anonymity.unreachable"), impossible.err
    assert set(adult.folder.iterdir()) == before


def test_noisy_counts_and_means_are_near_the_truth_of_those_who_said_yes(adult):
    rows = leased(adult)
    answer = adult.answer
    assert [row[0] for row in answer["rows"]] == sorted(SEXES)
    for (sex, count, mean), (_, count_width, mean_width) in zip(
        answer["rows"], answer["half_widths_95"], strict=True
    ):
        ages = [int(row["age"]) for _, row in rows if row["sex"] == sex]
        assert abs(float(count) - len(ages)) <= GENEROUS * float(count_width)
        assert abs(float(mean) - sum(ages) / len(ages)) <= GENEROUS * float(mean_width)
    everybody = sum(row[0] == "Male" for row in adult.rows)
    assert abs(float(answer["rows"][1][1]) - everybody) > GENEROUS * float(answer["half_widths_95"][1][1])


def test_a_person_sees_takes_along_and_leaves_and_anyone_can_check_it(adult):
    program = adult.program
    often = Counter(adult.refs)
    ref = next(r for r in adult.people if often[r] == 2 and r in adult.consenting)
    own = [
        dict(zip(adult.head, row, strict=True))
        for r, row in zip(adult.refs, adult.rows, strict=True)
        if r == ref
    ]
    shown = program.json("subject", "show", ref)
    assert {use["technique"] for use in shown["uses"]} >= {"k-anonymity", "dp_query"}
    assert shown["releases"] == [adult.release["release"]]
    exported = json.loads(program.do("subject", "export", ref).out)["values"]["adult"]
    assert exported["fields"] == {PERSON: [ref], NAME: [adult.names[ref]]}
    assert texts(exported["rows"]) == texts(own)
    planned = program.type("subject", "erase", ref)
    assert (planned.code, planned.error) == (2, "confirm.needed")
    certificate = program.json("subject", "erase", ref, "--yes")
    assert certificate["body"]["releases_that_may_hold_the_person"] == [adult.release["release"]]
    gone = program.type("subject", "show", ref)
    assert (gone.code, gone.error) == (3, "subject.erased")
    withdrawn = program.type(*release(adult, K, adult.folder / "third.csv"), "--request-id", REQUEST)
    assert (withdrawn.code, withdrawn.error) == (3, "request.withdrawn")
    assert program.json("journal", "verify")["verified"] is True
    check_bundle(adult, certificate["body"]["certificate"])


def texts(rows):
    return sorted(tuple(sorted((name, str(value)) for name, value in row.items())) for row in rows)


def check_bundle(adult, certificate):
    """The bundle verifies alone: isolated interpreter, empty environment, trusted key named."""
    bundle = adult.folder / "evidence"
    adult.program.do("evidence", "export", "--out", bundle)
    assert list(bundle.rglob(f"{certificate}.json"))
    command = [sys.executable, "-I", bundle / "verify.py", bundle, "--trust", adult.fingerprint]
    done = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "origin not proven" not in done.stdout
    held = b"".join(path.read_bytes() for path in Path(bundle).rglob("*") if path.is_file())
    assert b"Quarterstaff" not in held
    assert not any(ref.encode() in held for ref in adult.people[:2000])
