"""``--explain`` prints the gate's decision on every gated command, with reasons, and changes nothing."""

from __future__ import annotations

import sqlite3

import click
import pytest

from hedgerow.cli.main import cli

QUESTION = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
USE = ("--purpose", "research")
LEGACY = (
    "--cipher", "fernet", "--columns", "email", "--dataset", "new", "--subject-key", "patient_ref",
    *USE, "--basis", "consent", "--drop", "zip",
)  # fmt: skip
# Command, who may not, and what the refusal is.
GATED = [
    (("query", "visits", QUESTION, *USE, "--epsilon", "0.5"), "otto"),
    (("train", "visits", *USE, "--target", "ward", "--model", "logistic", "--epsilon", "0.5"), "otto"),
    (("dataset", "bounds", "visits", "age", *USE, "--epsilon", "0.5"), "otto"),
    (("watch", "open", "new", "visits", *USE, "--above", "9", "--epsilon", "0.5"), "otto"),
    (("watch", "ask", "crowded", "SELECT COUNT(*) FROM visits"), "otto"),
    (("watch", "show", "crowded"), "otto"),
    (("watch", "close", "crowded", "--yes"), "otto"),
    (("watch", "list"), "sam"),
    (("running", "open", "new", "visits", *USE, "--steps", "8", "--epsilon", "0.5"), "otto"),
    (("running", "advance", "arrivals"), "otto"),
    (("running", "show", "arrivals"), "otto"),
    (("running", "close", "arrivals", "--yes"), "otto"),
    (("running", "list"), "sam"),
    (("dataset", "public", "add", "wards", "--from", "@wards", "--why", "a list"), "priya"),
    (("dataset", "public", "drop", "wards", "--why", "a list", "--yes"), "priya"),
    (("dataset", "public", "list"), "sam"),
    (("release", "visits", *USE, "--quasi", "sex", "--k", "5", "--out", "never.csv"), "ana"),
    (("tokenise", "visits", "--rules", "@rules", *USE, "--out", "never.csv"), "ana"),
    (("token", "reveal", "R-1", "abc", *USE, "--reason", "asked"), "ana"),
    (
        (
            "places",
            "south",
            *USE,
            "--place",
            "ward",
            "--time",
            "visit_date",
            "--k",
            "5",
            "--out",
            "never.csv",
        ),
        "ana",
    ),
    (
        (
            "synthesise",
            "visits",
            *USE,
            "--columns",
            "ward",
            "--epsilon",
            "0.1",
            "--rows",
            "5",
            "--out",
            "never.csv",
        ),
        "otto",
    ),
    (
        (
            "collect",
            "@south",
            "--dataset",
            "new",
            "--subject-key",
            "patient_ref",
            *USE,
            "--basis",
            "consent",
            "--drop",
            "zip",
        ),
        "ana",
    ),
    (("collect", "--quarantine", "list"), "ana"),
    (("collect", "--quarantine", "discard", "--batch", "q-1"), "ana"),
    (("consent", "grant", "R-1", *USE), "ana"),
    (("consent", "withdraw", "R-1", *USE), "ana"),
    (("consent", "show", "R-1"), "ana"),
    (("budget", "allocate", "visits", *USE, "--epsilon", "4"), "ana"),
    (("budget", "allocate", "--population", "--epsilon", "4"), "ana"),
    (("budget", "show"), "sam"),
    (("budget", "show", "visits"), "sam"),
    (("budget", "forecast", "visits", *USE, "--epsilon", "0.1"), "sam"),
    (("budget", "reaccount", "visits", *USE), "sam"),
    (("dataset", "drop", "visits", "--yes"), "ana"),
    (("dataset", "declare", "visits", "--max-rows", "3"), "priya"),
    (("dataset", "show", "visits"), "sam"),
    (("dataset", "list"), "sam"),
    (("purpose", "add", "p", "--why", "w", "--owner", "priya", "--until", "2099-01-01"), "ana"),
    (("purpose", "list"), "sam"),
    (("principal", "add", "new", "--role", "analyst"), "priya"),
    (("principal", "list"), "ana"),
    (("policy", "show"), "ana"),
    (("policy", "history"), "ana"),
    (("policy", "test", "--principal", "ana", "--action", "query"), "otto"),
    (("policy", "apply", "never.cedar", "--yes"), "priya"),
    (("approval", "list"), "ana"),
    (("approval", "show", "A-1"), "ana"),
    (("approval", "grant", "A-1"), "otto"),
    (("approval", "deny", "A-1", "--reason", "no"), "ana"),
    (("journal", "head"), "ana"),
    (("journal", "show"), "ana"),
    (("journal", "verify"), "ana"),
    (("evidence", "export", "--out", "never"), "ana"),
    (("evidence", "certificates"), "ana"),
    (("evidence", "certificate", "c-none"), "ana"),
    (("report", "--out", "never.html"), "ana"),
    (("released", "list"), "ana"),
    (("released", "show", "R-1"), "ana"),
    (("released", "retire", "R-1", "--reason", "too much", "--yes"), "ana"),
    (("subject", "show", "R-1"), "ana"),
    (("subject", "export", "R-1"), "sam"),
    (("subject", "erase", "R-1", "--yes"), "ana"),
    (("keys", "status"), "ana"),
    (("keys", "rotate", "--yes"), "ana"),
    (("keys", "passphrase"), "ana"),
    (("keys", "epoch", "--yes"), "ana"),
    (("keys", "move", "--to", "file", "--yes"), "ana"),
    (("keys", "escrow", "--recipient", "never", "--out", "never.sealed", "--yes"), "ana"),
    (("keys", "import-legacy", "@south", *LEGACY), "ana"),
    (("backup", "make", "--to", "never", "--recipient", "never"), "ana"),
    (("backup", "list"), "ana"),
    (("backup", "erasures", "--out", "never.json"), "ana"),
    (("backup", "prune", "--yes"), "ana"),
    (("budget", "restate", "--spent", "population=1"), "ana"),
    (("dataset", "index", "visits", "--column", "email", "--kind", "email"), "ana"),
    (("subject", "find", "visits", "--column", "email"), "ana"),
    (("journal", "tiles", "--out", "never"), "ana"),
    (("journal", "key", "add", "ml-dsa"), "ana"),
    (("journal", "key", "show"), "ana"),
    (("journal", "cosign", "never.note", "--out", "never.sig"), "ana"),
    (("journal", "cosignature", "add", "never.sig", "--key", "never"), "ana"),
    (("journal", "witness", "add", "north", "--file", "never.head"), "ana"),
    (("journal", "witness", "list"), "sam"),
    (("journal", "witness", "remove", "north"), "ana"),
]
# Outside the gate: no workspace is open, or it is being made, brought forward or unlocked.
UNGATED = {
    "init", "demo", "discover", "doctor", "upgrade", "file identity", "file seal", "file open", "file show",
    "keys escrow-restore", "restore", "audit release", "audit safe-harbor", "released verify",
    "predict", "local survey", "local show", "local encode", "local decode", "local client",
}  # fmt: skip


def rows(space):
    """Read everything in the database."""
    database = sqlite3.connect(space / "hedgerow.db")
    try:
        return list(database.iterdump())
    finally:
        database.close()


def leaves(group, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield from (
            leaves(command, (*path, name)) if isinstance(command, click.Group) else [((*path, name), command)]
        )


def test_no_gated_command_is_left_out():
    tried = {
        arguments[: len(path)]
        for arguments, _ in GATED
        for path, _ in leaves(cli)
        if path == arguments[: len(path)]
    }
    gated = {path for path, _ in leaves(cli) if " ".join(path) not in UNGATED}
    assert tried == gated
    offering = {path for path, command in leaves(cli) if any("--explain" in p.opts for p in command.params)}
    assert offering == gated


@pytest.mark.parametrize(("arguments", "other"), GATED, ids=[" ".join(a[:2]) for a, _ in GATED])
def test_a_decision_is_printed_and_nothing_done(hedgerow, space, town, tmp_path, arguments, other):
    words = [str(town[1]["clinic_south_visits"]) if word == "@south" else word for word in arguments]
    if "@wards" in words:
        (tmp_path / "wards.csv").write_text("ward,part\nA,north\n")
        words = [str(tmp_path / "wards.csv") if word == "@wards" else word for word in words]
    if "@rules" in words:
        (tmp_path / "rules.toml").write_text('others = "drop"\n[columns.ward]\nkind = "keep"\n')
        words = [str(tmp_path / "rules.toml") if word == "@rules" else word for word in words]
    if words[0] in ("synthesise", "train"):
        # What costs rho needs budgets with a delta.
        for account in (("visits", *USE), ("--population",)):
            hedgerow("budget", "allocate", *account, "--epsilon", "5", "--delta", "1e-6")
    if words[0] == "places":
        south = (town[1]["clinic_south_visits"], "--dataset", "south", "--subject-key", "patient_ref")
        hedgerow("collect", *south, *USE, "--basis", "public-task", "--keep", "ward,visit_date")
    if words[1] in ("ask", "advance", "show", "close") and words[0] in ("watch", "running"):
        more = ("--above", "9") if words[0] == "watch" else ("--steps", "8")
        hedgerow(words[0], "open", words[2], "visits", *USE, *more, "--epsilon", "0.5")
    before = rows(space)
    allowed = hedgerow(*words, "--explain", "--json").json
    assert allowed["allowed"], allowed
    assert allowed["reasons"]
    refused = hedgerow(*words, "--explain", "--as", other)
    assert refused.out.startswith("Refused.\n")
    assert refused.out.rstrip().endswith("Nothing was done.")
    assert "(policy.not-permitted)" in refused.out or "(policy.forbidden)" in refused.out
    unknown = hedgerow(*words, "--explain", "--json", "--as", "mallory").json
    assert [reason["code"] for reason in unknown["reasons"]] == ["principal.unknown"]
    assert rows(space) == before
    assert not list(tmp_path.glob("never*"))


def test_what_is_explained_is_what_then_happens(hedgerow):
    for who, code in (("priya", 0), ("ana", 3)):
        said = ("budget", "allocate", "visits", *USE, "--epsilon", "3", "--as", who)
        explained = hedgerow(*said, "--explain", "--json").json
        assert explained["allowed"] == (code == 0)
        hedgerow(*said, code=code)


def test_a_query_is_explained_with_cost_and_obligation(hedgerow):
    said = hedgerow("query", "visits", QUESTION, *USE, "--epsilon", "0.5", "--explain", "--as", "ana").out
    assert said.startswith("Allowed.")
    assert "consent" in said
    assert "0.5" in said


def test_a_collection_is_explained_with_its_plan(hedgerow, town):
    said = (
        "collect",
        town[1]["clinic_south_visits"],
        "--dataset",
        "new",
        "--subject-key",
        "patient_ref",
        *USE,
        "--basis",
        "consent",
    )
    assert "vault" in hedgerow(*said, "--drop", "zip", "--explain").out
    silent = hedgerow(*said, "--explain", "--json").json
    assert not silent["allowed"]
    assert silent["reasons"][0]["code"] == "collect.not-minimal"
