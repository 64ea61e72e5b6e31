"""Every command does what its help says, on Riverside files, with the result as text and as JSON."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.under_o, pytest.mark.with_extras]

QUESTION = "SELECT ward, COUNT(*), AVG(systolic) FROM visits GROUP BY ward"
ASK = ("query", "visits", QUESTION, "--purpose", "research", "--as", "ana")


def test_init_prints_what_a_newcomer_must_know(nowhere, tmp_path):
    said = nowhere("init", tmp_path / "w", env={"HEDGEROW_PASSPHRASE": "correct horse"})
    for told in (
        "Trust fingerprint",
        "SHA256:",
        "Back it up",
        "lost passphrase",
        "doctor",
        "export HEDGEROW_SPACE=",
    ):
        assert told in said.out
    checks = nowhere(
        "doctor", "--space", tmp_path / "w", "--json", env={"HEDGEROW_PASSPHRASE": "correct horse"}
    ).json
    assert all(check["ok"] for check in checks)


def test_init_takes_a_passphrase_file_and_says_when_there_is_none(nowhere, tmp_path):
    (tmp_path / "word").write_text("correct horse\nsecond line\n")
    made = nowhere("init", tmp_path / "sealed", "--passphrase-file", tmp_path / "word", "--json").json
    assert made["sealed"]
    assert made["population_epsilon"] == "10"
    passphrase = {"HEDGEROW_PASSPHRASE": "correct horse"}
    head = nowhere("journal", "head", "--space", tmp_path / "sealed", "--json", env=passphrase).json
    assert head["fingerprint"] == made["fingerprint"]
    assert "WARNING: no passphrase" in nowhere("init", tmp_path / "bare", "--no-passphrase").out


def test_doctor_ends_with_9_when_something_is_to_mend(hedgerow, space):
    (space / "hedgerow.db").chmod(0o644)
    said = hedgerow("doctor", code=9)
    assert "MEND" in said.out
    assert "hedgerow.db" in said.out


def test_discover_masks_and_can_fail_on_findings(nowhere, town):
    file = town[1]["clinic_north_visits"]
    found = nowhere("discover", file, "--fail-on", "direct-identifier", "--json", code=9).json
    direct = {c["column"] for c in found["files"][0]["columns"] if c["role"] == "direct-identifier"}
    assert {"full_name", "email", "phone", "patient_ref"} <= direct
    text = nowhere("discover", file.parent).out
    assert "bank_accounts.csv" in text
    assert "delimiter ;" in text


def test_principals_and_purposes(hedgerow):
    hedgerow("principal", "add", "rita", "--role", "analyst", "--role", "auditor")
    listed = {p["name"]: p["roles"] for p in hedgerow("principal", "list", "--json").json}
    assert listed["rita"] == ["analyst", "auditor"]
    assert "owner" in listed
    hedgerow("purpose", "add", "quality", "--why", "better care", "--owner", "priya", "--until", "2099-12-31")
    assert {"research", "quality"} <= {p["name"] for p in hedgerow("purpose", "list", "--json").json}


def test_collect_plans_takes_and_shows_a_data_set(hedgerow, town):
    file = town[1]["clinic_south_visits"]
    said = (
        "collect",
        file,
        "--dataset",
        "south",
        "--subject-key",
        "patient_ref",
        "--purpose",
        "research",
        "--basis",
        "consent",
        "--drop",
        "visit_id,birth_date",
        "--consents",
        town[1]["consents"],
    )
    plan = hedgerow(*said, "--dry-run", "--json").json
    assert {"patient_ref", "full_name", "email", "phone"} <= set(plan["vault"])
    assert plan["not_collected"] == ["visit_id", "birth_date"]
    assert "south" not in hedgerow("dataset", "list").out
    taken = hedgerow(*said, "--json").json
    assert taken["rows"] == plan["rows"]
    shown = hedgerow("dataset", "show", "south").out
    assert "research (consent)" in shown
    assert "nothing declared yet" in shown


def test_collect_reads_json_lines_with_a_schema_file(hedgerow, town, tmp_path):
    schema = tmp_path / "shop.toml"
    schema.write_text(
        'drop = ["purchase_id", "item"]\nmax_rows = 20\n[roles]\nloyalty_card = "direct-identifier"\n'
        '[bounds]\namount = [0, 200]\n[keys]\ncategory = ["baby", "dairy", "drinks"]\n'
    )
    said = ("collect", town[1]["shop_purchases"], "--dataset", "shop", "--subject-key", "member_ref")
    hedgerow(*said, "--purpose", "marketing", "--basis", "legitimate-interest", "--schema", schema)
    shown = hedgerow("dataset", "show", "shop", "--json").json
    assert shown["declaration"]["max_rows"] == 20
    assert shown["declaration"]["columns"]["amount"]["bounds"]
    assert {c["name"] for c in shown["columns"] if c["in_vault"]} == {"member_ref", "loyalty_card"}


def test_collect_reads_parquet_under_two_bases(hedgerow, town):
    columns = pq.read_schema(town[1]["bank_transactions"]).names
    key = town[0].subject_keys["bank_transactions"]
    keep = [name for name in columns if name != key]
    hedgerow(
        "collect",
        town[1]["bank_transactions"],
        "--dataset",
        "bank",
        "--subject-key",
        key,
        "--keep",
        ",".join(keep),
        "--purpose",
        "care",
        "--purpose",
        "marketing",
        "--basis",
        "care=contract",
        "--basis",
        "marketing=consent",
    )
    assert hedgerow("dataset", "show", "bank", "--json").json["bases"] == {
        "care": "contract",
        "marketing": "consent",
    }


def test_query_answers_replays_and_shows_what_is_left(hedgerow):
    answer = hedgerow(*ASK, "--epsilon", "0.5", "--request-id", "q1", "--json").json
    assert [row[0] for row in answer["rows"]] == ["A", "B", "C"]
    assert answer["receipt"]["budget"]["own"]["left"] == "1.5"
    again = hedgerow(*ASK, "--epsilon", "0.5", "--request-id", "q1")
    assert "a stored answer; nothing was spent" in again.out
    assert "epsilon left" in again.out
    shown = hedgerow("budget", "show", "visits", "--as", "ana", "--json").json
    assert {b["dataset"]: b["left"] for b in shown} == {"*": "9.5", "visits": "1.5"}


def test_quantiles_say_how_far_off_their_rank_may_be(hedgerow):
    asked = "SELECT ward, MEDIAN(systolic) AS middle, MAX(systolic) FROM visits GROUP BY ward"
    use = ("query", "visits", asked, "--purpose", "research", "--as", "ana")
    planned = hedgerow(*use, "--epsilon", "1", "--explain").out
    assert "rows in rank" in planned
    answer = hedgerow(*use, "--epsilon", "1", "--request-id", "q2", "--json").json
    assert [column.get("quantile") for column in answer["columns"]] == [None, "0.5", "0.95"]
    assert all(80 <= value <= 220 for row in answer["rows"] for value in row[1:])
    assert answer["receipt"]["budget"]["own"]["left"] == "1"
    off = answer["columns"][1]["rank_error_95"]
    said = hedgerow(*use, "--epsilon", "1", "--request-id", "q2").out
    assert f"The median of systolic is at most {off} rows off in rank in 95 of 100 answers" in said
    assert "stands for MAX(systolic)" in said


def test_a_standard_deviation_comes_with_its_error(hedgerow):
    asked = "SELECT STDDEV(systolic), VAR_POP(systolic) AS v, AVG(systolic) FROM visits"
    use = ("query", "visits", asked, "--purpose", "research", "--as", "ana", "--epsilon", "2")
    assert "equal shares: 3 x" in hedgerow(*use, "--explain").out
    answer = hedgerow(*use, "--json").json
    assert [column["kind"] for column in answer["columns"]] == ["stddev", "variance_pop", "mean"]
    deviation, variance, _ = (None if value is None else float(value) for value in answer["rows"][0])
    assert deviation is None or 0 <= deviation <= 71
    assert variance is None or 0 <= variance <= 70**2
    assert "standard deviation of systolic" in answer["sentence"]


def test_people_are_counted_and_not_named(hedgerow, town):
    asked = "SELECT COUNT(DISTINCT patient_ref) AS people, COUNT(*) AS visits FROM visits"
    use = ("--purpose", "research", "--as", "ana")
    answer = hedgerow("query", "visits", asked, *use, "--epsilon", "1", "--json").json
    people, visits = answer["rows"][0]
    assert people < visits
    assert abs(people - len(set(town[0].tables["clinic_north_visits"]["patient_ref"].to_pylist()))) < 100
    same = "SELECT COUNT(DISTINCT person) FROM visits"
    assert "Counts of people are within ±3" in hedgerow("query", "visits", same, *use, "--epsilon", "1").out
    refused = hedgerow(
        "query", "visits", "SELECT COUNT(DISTINCT age) FROM visits", *use, "--epsilon", "1", code=3
    )
    assert "COUNT(DISTINCT person)" in refused.err


def test_budget_and_declaration(hedgerow, tmp_path):
    (tmp_path / "wards").write_text("A\nB\n")
    hedgerow("dataset", "declare", "visits", "--keys", f"ward=@{tmp_path / 'wards'}", "--bounds", "age=0:120")
    shown = hedgerow("dataset", "show", "visits").out
    assert "A,B" in shown
    assert "0:120" in shown
    assert "epsilon 3" in hedgerow("budget", "allocate", "visits", "--epsilon", "3", "--purpose", "care").out
    assert hedgerow("budget", "allocate", "--population", "--epsilon", "12", "--json").json["limit"] == "12"
    assert "(population)" in hedgerow("budget", "show").out


def test_release_is_k_anonymous_by_an_independent_count(hedgerow, town, tmp_path):
    out = tmp_path / "k5.csv"
    said = hedgerow(
        "release",
        "visits",
        "--purpose",
        "research",
        "--quasi",
        "age,zip,sex",
        "--sensitive",
        "diagnosis",
        "--k",
        "5",
        "--hierarchies",
        town[1]["hierarchies"],
        "--suppress",
        "0.2",
        "--out",
        out,
        "--as",
        "priya",
    )
    assert "de-identified" in said.out
    rows = list(csv.DictReader(out.read_text().splitlines()))
    classes: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row["age"], row["zip"], row["sex"])
        classes[key] = classes.get(key, 0) + 1
    assert min(classes.values()) >= 5
    assert out.stat().st_mode & 0o077 == 0
    listed = hedgerow("released", "list", "--json").json
    shown = hedgerow("released", "show", listed[0]["id"]).out
    assert "k = 5:" in shown


def test_consent_changes_who_is_used(hedgerow, patient):
    hedgerow("consent", "withdraw", patient, "--purpose", "research", "--notice", "2", "--channel", "letter")
    hedgerow("consent", "grant", patient, "--purpose", "research", "--time", "2024-05-01T10:00:00Z")
    choices = hedgerow("consent", "show", patient, "--json").json
    assert [c["granted"] for c in choices][-2:] in ([False, True], [True, False])
    assert {"letter", "command line"} <= {c["channel"] for c in choices}
    assert "withdrawn" in hedgerow("consent", "show", patient).out


def test_a_person_sees_takes_along_and_leaves(hedgerow, patient, space, tmp_path, town):
    hedgerow(*ASK, "--epsilon", "0.5")
    plain = hedgerow("subject", "show", patient, "--plain").out
    assert "What is held about you" in plain
    assert 'for "research"' in plain
    (tmp_path / "ref").write_text(f"{patient}\n")
    uses = hedgerow("subject", "show", "--ref-file", tmp_path / "ref", "--json").json["uses"]
    assert uses[0]["by"] == "ana"
    out = tmp_path / "me.json"
    hedgerow("subject", "export", "--ref-file", "-", "--out", out, given=f"{patient}\n")
    names = town[0].tables["clinic_north_visits"].to_pylist()
    name = next(row["full_name"] for row in names if row["patient_ref"] == patient)
    assert name in out.read_text()
    assert name in hedgerow("subject", "export", patient, may_show=True).out
    certificate = hedgerow("subject", "erase", patient, "--yes", "--json").json
    assert certificate["body"]["state"] == "logical"
    assert certificate["body"]["not_final_yet"]
    assert patient not in json.dumps(certificate)
    hedgerow.refused("subject", "show", patient, code=3, error="subject.erased")
    hedgerow.refused("subject", "erase", patient, "--yes", code=3, error="subject.erased")
    files = [path.read_bytes() for path in space.rglob("*") if path.is_file()]
    assert not any(name.encode() in content for content in files)


def test_policy_is_shown_tested_applied_and_kept(hedgerow, tmp_path):
    text = hedgerow("policy", "show", "--json").json["text"]
    test = ("policy", "test", "--principal", "ana", "--action", "query")
    assert "Allowed by analyst-asks-private-queries" in hedgerow(*test).out
    draft = tmp_path / "draft.cedar"
    draft.write_text(text + '\n@id("no-queries")\nforbid (principal, action == Action::"query", resource);\n')
    assert hedgerow(*test, "--file", draft, "--json").json["forbids"] == ["no-queries"]
    hedgerow("policy", "apply", draft, "--yes")
    assert len(hedgerow("policy", "history", "--json").json) == 2
    hedgerow.refused(*ASK, "--epsilon", "0.1", code=3, error="policy.forbidden")


def test_journal_and_evidence_can_be_checked_by_anyone(hedgerow, tmp_path):
    head = tmp_path / "head.json"
    head.write_text(hedgerow("journal", "head", "--json").out)
    assert json.loads(head.read_text())["fingerprint"].startswith("SHA256:")
    hedgerow(*ASK, "--epsilon", "0.5", fresh=True)
    assert "query" in hedgerow("journal", "show", "--last", "3").out
    verified = hedgerow("journal", "verify", "--against", head, "--json").json
    assert verified["verified"]
    made = hedgerow("evidence", "export", "--out", tmp_path / "bundle", "--as", "otto", "--json").json
    shutil.rmtree(hedgerow.space)
    check = [sys.executable, "-I", tmp_path / "bundle" / "verify.py", tmp_path / "bundle"]
    done = subprocess.run(
        [*check, "--trust", made["fingerprint"]], capture_output=True, text=True, check=True
    )
    assert "verified" in done.stdout


def test_report_writes_a_page_and_the_same_as_data(hedgerow, tmp_path):
    out = tmp_path / "report.html"
    hedgerow("report", "--out", out)
    assert "<svg" in out.read_text()
    hedgerow.refused("report", "--out", out, code=2, error="out.exists")
    hedgerow("report", "--out", out, "--force")
    assert {"refusals", "held", "uses", "budget"} <= set(hedgerow("report", "--json").json)


def test_broken_rows_are_set_aside_retried_and_discarded(hedgerow, tmp_path, town):
    table = pa_csv.read_csv(town[1]["clinic_south_visits"]).slice(0, 40)
    file = tmp_path / "south.csv"
    pa_csv.write_csv(table, file)
    lines = file.read_text().splitlines()
    cells = lines[3].split(",")
    cells[lines[0].replace('"', "").split(",").index("systolic")] = "high-secret-value"
    lines[3] = ",".join(cells)
    lines[7] = lines[7] + ",too,many"
    file.write_text("\n".join(lines) + "\n")
    types = tmp_path / "types.toml"
    types.write_text('drop = ["visit_id"]\n[types]\nsystolic = "integer"\n')
    taken = hedgerow(
        "collect",
        file,
        "--dataset",
        "south",
        "--subject-key",
        "patient_ref",
        "--purpose",
        "care",
        "--basis",
        "public-task",
        "--schema",
        types,
    )
    assert "line 4: column systolic" in taken.err
    assert "high-secret-value" not in taken.err + taken.out
    batches = hedgerow("collect", "--quarantine", "list", "--json").json
    assert [row["line"] for row in batches[0]["rows"]] == [4, 8]
    batch = batches[0]["batch"]
    again = hedgerow("collect", "--quarantine", "retry", "--batch", batch, "--empty-broken", "--json").json
    assert (again["rows"], again["set_aside"]) == (1, 1)
    left = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
    hedgerow.refused(
        "collect", "--quarantine", "retry", "--batch", left, code=2, error="quarantine.still-broken"
    )
    hedgerow.refused("collect", "--quarantine", "discard", "--batch", left, code=2, error="confirm.needed")
    hedgerow("collect", "--quarantine", "discard", "--batch", left, "--yes")
    assert hedgerow("collect", "--quarantine", "list", "--json").json == []


def test_demo_leaves_a_workspace_and_a_report(nowhere, tmp_path):
    told = nowhere("demo", tmp_path / "demo", "--json", fresh=True).json
    assert len(told["acts"]) >= 9
    assert "<svg" in (tmp_path / "demo" / "report.html").read_text()
    assert len(told["commands"]) == 3
