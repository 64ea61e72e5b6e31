"""A model is trained through the gate: declared, paid for before data is read, kept, the same by its id."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.attack.review_world import code_of, collect, empty, grants, people

from hedgerow.app.declaring import Asked
from hedgerow.app.service.training import Places, TrainRequest
from hedgerow.kernel.accounting import rho_within
from hedgerow.learn import load
from hedgerow.model.budget import ApproximateEvent, PureEvent, SampledGaussianEvent, ZcdpEvent
from hedgerow.model.canonical import digest
from hedgerow.model.errors import HedgerowError
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.records import Charge
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.ledger import read_event
from hedgerow.techniques.dp_train import governed
from hedgerow.techniques.dp_train.kinds import KINDS

DELTA = Fraction(1, 10**6)
ASKED = TrainRequest("visits", "logistic", "2", "diag")
LINE = TrainRequest("visits", "linear", "2", "age", features=["zip", "diag"])
DECLARED = Asked(
    "person", 1, {"age": "0:120"}, {"diag": list("ABCDE"), "zip": [f"{10000 + n}" for n in range(7)]}
)


def world(folder, count=60, declared=DECLARED, epsilon=500):
    space = empty(folder)
    rows = people(count)
    collect(space, folder, rows, consents=grants(rows))
    space.service.declare("visits", declared)
    space.service.allocate("visits", "research", Fraction(epsilon), DELTA)
    space.service.allocate(None, None, Fraction(epsilon), DELTA)
    return space


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def spent(space):
    """Tell what was charged since the test began."""
    before = len(charges(space))
    return lambda: charges(space)[before:]


def train(space, asked=ASKED, purpose="research", name="ana", *, fresh=True, **more):
    return space.acting_as(name).service.train(replace(asked, fresh=fresh), purpose=purpose, **more)


def charges(space):
    with space.opened.spine.store.read() as reader:
        return [read_event(each.event) for each in reader.find(Charge)]


@pytest.fixture
def unread(monkeypatch):
    """Fail when rows are read."""
    monkeypatch.setattr(governed, "prepare", lambda *_: pytest.fail("rows were read"))


def test_a_model_is_released_and_paid_for_to_the_last_bit(space, spent):
    made = train(space)
    (event,) = spent()
    assert isinstance(event, ZcdpEvent)
    rho = rho_within(Fraction(2), DELTA)
    assert rho * (1 - Fraction(1, 10**6)) < event.rho <= rho
    assert made["model"]["target"] == {"name": "diag", "classes": list("ABCDE")}


def test_with_people_told_nothing_is_measured_and_all_goes_to_the_fit(space, spent):
    told = TrainRequest("visits", "logistic", "2", "diag", people=60)
    assert "as publicly known" in train(space, told)["card"]["people"]
    assert spent() == [ZcdpEvent(rho_within(Fraction(2), DELTA))]


def test_the_same_request_gives_the_same_model_at_no_cost(space, spent):
    first = train(space, request_id="r1")
    again = train(space, request_id="r1")
    assert again["model"] == first["model"]
    assert again["receipt"]["replayed"]
    assert len(spent()) == 1
    assert code_of(lambda: train(space, LINE, request_id="r1")) == "request.differs"


def test_the_same_question_gives_the_same_model_at_no_cost_until_rows_move(tmp_path):
    asked = TrainRequest("visits", "linear", "1", "age", ["diag"])
    with world(tmp_path) as space:
        first, again = (train(space, asked, fresh=False) for _ in "ab")
        assert again["model"] == first["model"]
        assert again["receipt"]["from"] == "stored"
        assert not again["card"]["left"].startswith("0 such")
        assert len(charges(space)) == 1
        assert train(space, replace(asked, epsilon="2"), fresh=False)["model"] != first["model"]
        assert train(space, asked)["model"] != first["model"]
        space.service.declare("visits", DECLARED)
        assert train(space, asked, fresh=False)["receipt"]["from"] == "new"


def test_a_model_that_would_be_written_nowhere_is_not_trained(space, spent, unread):
    with pytest.raises(HedgerowError) as caught:
        train(space, is_kept=False)
    assert caught.value.code == "train.no-out"
    assert "--out" in caught.value.next_step
    assert spent() == []


BATCHES = TrainRequest("visits", "logistic", "2", "diag", people=60, delta="4e-8", batch=20)


@pytest.mark.extra
@pytest.mark.parametrize("model", ["logistic", "mlp"])
def test_a_run_by_batches_is_charged_as_samples_with_gaussian_noise(space, spent, tmp_path, model):
    pytest.importorskip("dp_accounting")
    asked = replace(BATCHES, model=model, epochs=1)
    made = train(space, asked, places=Places(tmp_path / "m.json"))
    (event,) = spent()
    run = event.event
    assert isinstance(run, SampledGaussianEvent)
    assert (event.delta, run.epsilon, run.steps) == (Fraction("4e-8"), 2, 3)
    assert Fraction(1, 3) <= run.rate < Fraction(1, 3) + Fraction(1, 2**31)
    assert made["card"]["settings"] == {"batch_size": "20", "epochs": "1"}
    assert load(tmp_path / "m.json").estimator.standing_ == "governed: debited in the ledger"


@pytest.mark.extra
def test_what_is_known_of_batches_is_fixed_before_rows_are_read(space, unread):
    """The chance of a person and the noise follow from what is declared: explaining tells them."""
    pytest.importorskip("dp_accounting")
    told = space.acting_as("ana").service.explain_train(BATCHES, purpose="research")
    assert told["allowed"]
    assert told["plan"]["batches"] == "9 steps, each person in each with a chance of 0.333, drawn alone"


@pytest.mark.extra
def test_runs_by_batches_are_accounted_anew_together(tmp_path):
    pytest.importorskip("dp_accounting")
    with world(tmp_path) as space:
        for _ in "abc":
            train(space, BATCHES)
        told = space.service.reaccount("visits", "research", Fraction(1, 10**6))
    assert told["charges"] == {"Gaussian noise on samples of the people": 3}
    found = {each["name"]: each["epsilon"] for each in told["accountants"]}
    assert found["sum of epsilons"] == "6"
    assert float(found["PLD (dp-accounting)"]) < 4


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"people": None}, "train.inexact"),
        ({"batch": None, "epochs": 2, "model": "gbdt"}, "learn.bad-parameter"),
        ({"model": "gbdt"}, "train.no-batches"),
        ({"batch": 61}, "learn.bad-parameter"),
        ({"batch": 0}, "learn.bad-parameter"),
        ({"epochs": 0}, "learn.bad-parameter"),
        ({"batch": None, "epochs": 2}, "learn.bad-parameter"),
    ],
)
def test_batches_that_cannot_be_are_refused(space, spent, unread, changed, code):
    assert code_of(lambda: train(space, replace(BATCHES, **changed))) == code
    assert spent() == []


def test_another_request_draws_other_noise(space):
    states = [
        train(space, TrainRequest("visits", "linear", "1", "age", ["diag"]))["model"]["state"] for _ in "ab"
    ]
    assert states[0] != states[1]


def test_the_journal_tells_the_digest_of_what_the_file_holds(space, tmp_path):
    out = tmp_path / "m.json"
    made = train(space, places=Places(out))
    told = json.loads(out.read_text())
    receipt = told.pop("receipt")
    entries = space.opened.spine.journal
    with space.opened.spine.store.read() as reader:
        entry = next(
            e for e in entries.proven(reader, receipt["entry"], "use.done") if e["index"] == receipt["entry"]
        )
    assert entry["facts"]["result"] == digest(told)
    assert not entry["facts"]["person_level"]
    assert told == made["model"]


REFUSALS = [
    (TrainRequest("visits", "logistic", "900", "diag"), "budget.exhausted"),
    (TrainRequest("visits", "forest", "1", "diag"), "train.model-unknown"),
    (TrainRequest("visits", "logistic", "1"), "train.no-target"),
    (TrainRequest("visits", "logistic", "1", "nothing"), "column.unknown"),
    (TrainRequest("visits", "logistic", "1", "email"), "train.hidden-column"),
    (TrainRequest("visits", "logistic", "1", "pid"), "train.hidden-column"),
    (TrainRequest("visits", "logistic", "1", "age"), "dp.undeclared"),
    (TrainRequest("visits", "linear", "1", "diag"), "dp.undeclared"),
    (TrainRequest("visits", "logistic", "1", "diag", ["diag"]), "train.features"),
    (TrainRequest("visits", "logistic", "1", "diag", ["age", "age"]), "train.features"),
    (TrainRequest("visits", "logistic", "1", "diag", []), "train.features"),
    (TrainRequest("visits", "logistic", "0", "diag"), "budget.not-a-number"),
    (TrainRequest("visits", "logistic", "nan", "diag"), "budget.not-a-number"),
    (TrainRequest("visits", "logistic", "1", "diag", delta="1"), "budget.bad-delta"),
    (TrainRequest("visits", "logistic", "1", "diag", delta="0"), "budget.bad-delta"),
    (TrainRequest("visits", "logistic", "1", "diag", people=0), "train.people"),
    (TrainRequest("visits", "logistic", "1", "diag", accuracy="-1"), "budget.not-a-number"),
    (TrainRequest("visits", "linear", "1", "age", tune=True), "train.nothing-to-tune"),
    (TrainRequest("elsewhere", "logistic", "1", "diag"), "dataset.not-for-you"),
]


@pytest.mark.parametrize(("asked", "code"), REFUSALS, ids=lambda part: part if isinstance(part, str) else "")
def test_what_cannot_be_trained_is_refused_before_rows_are_read(space, spent, unread, asked, code):
    with pytest.raises(HedgerowError) as caught:
        train(space, asked)
    assert caught.value.code == code
    assert caught.value.next_step
    assert spent() == []


def test_a_budget_that_does_not_hold_it_ends_with_five_and_reads_nothing(space, unread):
    with pytest.raises(HedgerowError) as caught:
        train(space, TrainRequest("visits", "logistic", "900", "diag"))
    assert caught.value.row.exit == 5


def test_a_budget_without_a_delta_says_so(tmp_path, unread):
    with world(tmp_path) as space:
        space.service.allocate("visits", "research", Fraction(8))
        with pytest.raises(HedgerowError) as caught:
            train(space)
    assert caught.value.code == "budget.no-delta"
    assert "--delta" in caught.value.next_step
    assert caught.value.row.exit == 5


def test_what_is_not_declared_is_refused_with_the_line_to_type(tmp_path, unread):
    declared = Asked("person", None, {}, {"zip": ["10000"]})
    with world(tmp_path, declared=declared) as space, pytest.raises(HedgerowError) as caught:
        train(space, TrainRequest("visits", "logistic", "1", "diag", ["age"]))
    told = caught.value.next_step
    assert "role owner" in told
    assert "`hedgerow dataset declare visits --unit person --max-rows N" in told
    assert told.endswith("--keys diag=VALUE,... --bounds age=LOWER:UPPER`.")


def test_a_purpose_is_needed(space):
    assert code_of(lambda: train(space, purpose=None)) == "purpose.missing"
    assert code_of(lambda: train(space, purpose="marketing")) == "basis.missing"


@pytest.mark.parametrize(
    ("name", "code"), [("ana", "done"), ("adm", "policy.not-permitted"), ("app", "policy.not-permitted")]
)
def test_who_may_train_is_a_matter_of_policy(space, name, code):
    assert code_of(lambda: train(space, LINE, name=name)) == code


def test_explaining_spends_nothing_and_reads_nothing(space, spent, unread):
    told = space.acting_as("ana").service.explain_train(ASKED, purpose="research")
    assert told["allowed"]
    assert told["plan"]["features"] == ["zip", "age"]
    assert told["forecast"]["queries_left"] >= 1
    assert spent() == []


def test_a_file_is_not_overwritten_and_nothing_is_spent(space, spent, tmp_path, unread):
    out = tmp_path / "m.json"
    out.write_text("mine")
    assert code_of(lambda: train(space, places=Places(out))) == "out.exists"
    assert out.read_text() == "mine"
    assert spent() == []


def test_accuracy_is_told_only_where_it_is_paid_for(space, spent):
    assert "--holdout-epsilon" in train(space)["card"]["accuracy"]
    none = train(space, TrainRequest("visits", "kmeans", "4"))["card"]["accuracy"]
    assert none == "Not measured: this kind of model predicts nothing that could be right or wrong."
    paid = train(space, TrainRequest("visits", "logistic", "1", "diag", accuracy="3"))
    assert "held out" in paid["card"]["accuracy"]
    assert paid["card"]["cost"]["measuring accuracy"] == "epsilon 3"
    event = spent()[-1]
    one, other = rho_within(Fraction(1), DELTA), rho_within(Fraction(3), DELTA)
    assert (one + other) * (1 - Fraction(1, 10**6)) < event.rho <= one + other


def test_tuning_stays_within_what_was_asked_for(space, spent):
    made = train(space, TrainRequest("visits", "logistic", "2", "diag", tune=True))
    rho = rho_within(Fraction(2), DELTA)
    (event,) = spent()
    assert rho * (1 - Fraction(1, 10**6)) < event.rho <= rho
    assert made["card"]["fits"] == 3


def test_a_model_file_loads_and_predicts_as_trained(space, tmp_path):
    out = tmp_path / "m.json"
    train(space, places=Places(out))
    train(space, LINE, places=Places(tmp_path / "l.json"))
    import pyarrow as pa

    rows = pa.table({"zip": ["10001", None, "x"], "age": [30, 200, None], "diag": ["A", "B", "Z"]})
    model = load(out)
    assert set(model.predict(rows)) <= set("ABCDE")
    assert model.estimator.predict_proba(model.features(rows)).shape == (3, 5)
    assert model.estimator.standing_ == "governed: debited in the ledger"
    assert load(tmp_path / "l.json").predict(rows).shape == (3,)


OF_EACH_KIND = [
    TrainRequest("visits", "mlp", "4", "diag"),
    TrainRequest("visits", "gbdt", "4", "diag"),
    TrainRequest("visits", "gbdt", "4", "age", ["diag", "zip"]),
    TrainRequest("visits", "tree", "4", "diag"),
    TrainRequest("visits", "tree", "4", "age", ["diag", "zip"]),
    TrainRequest("visits", "kmeans", "4"),
    TrainRequest("visits", "pca", "4", features=["age", "diag"]),
    TrainRequest("visits", "recommender", "4", features=["diag"]),
]


@pytest.mark.parametrize("asked", OF_EACH_KIND, ids=lambda asked: f"{asked.model} {asked.target}")
def test_every_kind_of_model_is_paid_for_kept_and_read_back(space, spent, tmp_path, monkeypatch, asked):
    """What is read back says of rows exactly what the trained estimator says."""
    small = {"mlp": {"hidden": 4, "steps": 4}, "gbdt": {"cycles": 2}, "tree": {"depth": 2}}.get(
        asked.model, {}
    )
    monkeypatch.setitem(KINDS, asked.model, replace(KINDS[asked.model], candidates=(small,)))
    trained = []
    fitted = governed._fitted
    monkeypatch.setattr(governed, "_fitted", lambda *each: trained.append(fitted(*each)) or trained[-1])
    out = tmp_path / "m.json"
    train(space, asked, places=Places(out))
    rho = rho_within(Fraction(4), DELTA)
    (event,) = spent()
    assert rho * (1 - Fraction(1, 10**6)) < event.rho <= rho
    import numpy as np
    import pyarrow as pa

    rows = pa.table({"zip": ["10001", None, "x"], "age": [30, 200, None], "diag": ["A", "B", "Z"]})
    model = load(out)
    assert model.estimator.standing_ == "governed: debited in the ledger"
    if asked.model == "recommender":
        assert model.estimator.recommend(["A"], 3) == trained[0].recommend(["A"], 3)
        return
    how = "transform" if asked.model == "pca" else "predict"
    said = [getattr(each, how)(model.features(rows)) for each in (model.estimator, trained[0])]
    wanted = np.array(list("ABCDE"))[said[1]] if asked.target == "diag" else said[1]
    assert (said[0] == wanted).all()
    if asked.target == "diag":
        chances = [each.predict_proba(model.features(rows)) for each in (model.estimator, trained[0])]
        assert (chances[0] == chances[1]).all()


def test_many_numbers_cost_epsilon_with_a_chance_of_delta(space, spent, monkeypatch):
    """A network of more than 1,000 numbers has no exact rho; half of the limit's delta must hold its own."""
    monkeypatch.setitem(KINDS, "mlp", replace(KINDS["mlp"], candidates=({"steps": 2},)))
    zips = [f"{n:05d}" for n in range(10_000, 10_060)]
    space.service.declare(
        "visits", Asked("person", 1, {"age": "0:120"}, {"diag": list("ABCDE"), "zip": zips})
    )
    try:
        wide = TrainRequest("visits", "mlp", "3", "diag", people=60, delta="3e-7")
        assert code_of(lambda: train(space, replace(wide, people=None))) == "train.inexact"
        assert code_of(lambda: train(space, replace(wide, accuracy="1"))) == "train.inexact"
        train(space, wide)
        assert spent() == [ApproximateEvent(PureEvent(Fraction(3)), Fraction("3e-7"))]
    finally:
        space.service.declare("visits", DECLARED)


def test_a_plan_is_pure(space):
    """The same declaration gives the same plan and cost, whatever the data."""
    with space.opened.spine.store.read() as reader:
        view = space.opened.spine.catalog.require_dataset(reader, "visits")
    request = UseRequest(
        Actor("ana", "ana"), "research", "visits",
        {"model": "linear", "target": "age", "epsilon": "1", "delta": "1e-6"}, "r",
    )  # fmt: skip
    plans = [governed.DpTrain().plan(request, view) for _ in "ab"]
    assert plans[0].cost == plans[1].cost
    assert plans[0].grant == plans[1].grant
    assert isinstance(view.declaration, DatasetDeclaration)
