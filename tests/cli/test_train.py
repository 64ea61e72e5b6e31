"""The commands ``train`` and ``predict``: what they print, write, refuse and leave alone."""

from __future__ import annotations

import json

import pytest

SAID = ("train", "visits", "--target", "ward", "--model", "logistic", "--purpose", "research", "--as", "ana")


@pytest.fixture
def ready(hedgerow):
    """Give the program where budgets have a delta."""
    for where in (("visits", "--purpose", "research"), ("--population",)):
        hedgerow("budget", "allocate", *where, "--epsilon", "10", "--delta", "1e-5")
    return hedgerow


def test_a_model_is_trained_written_and_predicts(ready, tmp_path):
    out, card, page = tmp_path / "m.json", tmp_path / "card.md", tmp_path / "card.html"
    told = ready(*SAID, "--epsilon", "1", "--out", out, "--card", card, "--request-id", "m1").out
    assert f"A logistic model of ward, written to {out} and its card to {card}." in told
    assert "such runs, or epsilon" in told
    assert "# logistic model of ward" in card.read_text()
    assert "What it does not protect" in card.read_text()
    again = ready(*SAID, "--epsilon", "1", "--card", page, "--request-id", "m1")
    assert "nothing was spent" in again.out
    assert page.read_text().startswith("<!doctype html>")
    rows = tmp_path / "rows.csv"
    rows.write_text("pid,systolic\na,120\nb,\nc,high\n")
    made = tmp_path / "p.csv"
    assert "3 predictions" in ready("predict", out, "--from", rows, "--keep", "pid", "--out", made).out
    lines = made.read_text().splitlines()
    assert lines[0] == "pid,predicted,chance of A,chance of B,chance of C"
    assert [line[:2] for line in lines[1:]] == ["a,", "b,", "c,"]


def test_the_same_again_costs_nothing_and_nowhere_to_write_is_refused(ready, tmp_path):
    first, second, third = (tmp_path / name for name in ("a.json", "b.json", "c.json"))
    line = (*SAID, "--epsilon", "1")
    assert "--out" in ready(*line, code=2).err
    assert "nothing was spent" not in ready(*line, "--out", first).out
    again = ready(*line, "--out", second).out
    assert "The same was trained before; nothing was spent, --fresh pays for a new one." in again
    ready(*line, "--out", third, "--fresh")
    states = [json.loads(path.read_text())["state"] for path in (first, second, third)]
    assert states[0] == states[1] != states[2]


def test_models_are_called_as_they_are_said(ready, tmp_path):
    line = ("train", "visits", "--model", "pca", "--purpose", "research", "--epsilon", "1", "--as", "ana")
    assert ready(*line, "--out", tmp_path / "p.json").out.startswith("A PCA model, written to")
    mlp = [each.replace("logistic", "mlp") for each in SAID]
    assert ready(*mlp, "--epsilon", "1", "--out", tmp_path / "n.json").out.startswith("An MLP model of ward,")


@pytest.mark.extra
def test_batches_are_trained_from_the_line(ready, tmp_path):
    pytest.importorskip("dp_accounting")
    line = (*SAID, "--epsilon", "1", "--batch", "20", "--out", tmp_path / "m.json")
    assert "--people" in ready(*line, code=3).err
    assert "A logistic model of ward" in ready(*line, "--people", "60").out


def test_predicting_says_what_is_missing(ready, tmp_path):
    out, rows = tmp_path / "m.json", tmp_path / "rows.csv"
    ready(*SAID, "--epsilon", "1", "--out", out)
    rows.write_text("pid,weight\na,120\n")
    lacking = ready("predict", out, "--from", rows, "--out", tmp_path / "p.csv", code=2)
    assert "systolic" in lacking.err
    unknown = ready("predict", out, "--from", rows, "--keep", "x", "--out", tmp_path / "p.csv", code=2)
    assert "no column x" in unknown.err
    assert not (tmp_path / "p.csv").exists()
    assert ready("predict", rows, "--from", rows, "--out", tmp_path / "p.csv", code=2).err


def test_what_it_costs_and_means_is_told_beforehand(ready):
    told = ready(*SAID, "--epsilon", "1", "--explain").out
    assert "Allowed." in told
    assert "cost: rho" in told
    assert "such runs left" in told
    before = ready("budget", "show", "visits", "--as", "ana").out
    assert "0" in before


def test_a_budget_that_is_too_small_ends_with_five(ready, tmp_path):
    assert "epsilon" in ready(*SAID, "--epsilon", "40", "--out", tmp_path / "m.json", code=5).err


def test_json_holds_the_model(ready):
    told = json.loads(ready(*SAID, "--epsilon", "1", "--json").out)
    assert told["model"]["format"] == "hedgerow/model/v1"
    assert told["out"] is None
    assert "dataset_version" not in told["card"], "an analyst may not count changes of the data"
