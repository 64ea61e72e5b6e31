"""PyTorch models through the gate: told as layers, trained without code of the caller, kept as numbers."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction

import pyarrow as pa
import pytest
from tests.unit.spine.test_governed_training import TrainRequest, charges, train, world

from hedgerow.app.service.training import Places, model_named
from hedgerow.learn import load
from hedgerow.model.budget import SampledGaussianEvent
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.techniques.dp_train import governed

pytestmark = pytest.mark.extra
torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from hedgerow.techniques.dp_train import modules  # noqa: E402 - after the extra is known to be there

nn = torch.nn
ROWS = pa.table({"zip": ["10001", None, "x"], "age": [30, 200, None], "diag": ["A", "B", "Z"]})
LAYERS = [
    {"layer": "Linear", "in_features": 8, "out_features": 4, "bias": True},
    {"layer": "LeakyReLU", "negative_slope": "0.1"},
    {"layer": "Linear", "in_features": 4, "out_features": 5},
]
ASKED = TrainRequest(
    "visits", "torch", "2", "diag", people=60, delta="4e-8", batch=20, epochs=1, layers=LAYERS
)


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def network():
    return nn.Sequential(nn.Linear(8, 4), nn.LeakyReLU(0.1), nn.Sequential(nn.Linear(4, 5)))


def test_a_module_is_trained_paid_for_kept_and_read_back(space, tmp_path):
    out, before = tmp_path / "m.json", len(charges(space))
    made = space.acting_as("ana", purpose="research").train(
        "visits", network(), epsilon="2", target="diag", people=60, delta="4e-8", batch=20, epochs=1, out=out
    )
    (event,) = charges(space)[before:]
    assert isinstance(event.event, SampledGaussianEvent)
    assert (event.delta, event.event.steps) == (Fraction("4e-8"), 3)
    assert made["named"] == "A PyTorch model of diag"
    assert "20" in made["card"]["settings"]["batch_size"]
    model = load(out)
    assert model.estimator.standing_ == "governed: debited in the ledger"
    assert set(model.predict(ROWS)) <= set("ABCDE")
    assert model.estimator.predict_proba(model.features(ROWS)).sum(axis=1) == pytest.approx(1)
    told = json.loads(out.read_text())["state"]
    assert [each["layer"] for each in told["layers"]] == ["Linear", "LeakyReLU", "Linear"]
    assert [len(each) for each in told["weights"]] == [32, 4, 20, 5]


def test_what_is_read_back_says_what_was_trained(space, tmp_path, monkeypatch):
    trained, fitted = [], governed._fitted
    monkeypatch.setattr(governed, "_fitted", lambda *each: trained.append(fitted(*each)) or trained[-1])
    asked = replace(ASKED, target="age", features=["diag", "zip"])
    ends = [LAYERS[0] | {"in_features": 12}, LAYERS[1], LAYERS[2] | {"out_features": 1}]
    train(space, replace(asked, layers=ends), places=Places(tmp_path / "m.json"))
    model = load(tmp_path / "m.json")
    assert (model.predict(ROWS) == trained[0].predict(model.features(ROWS))).all()
    assert ((model.predict(ROWS) >= 0) & (model.predict(ROWS) <= 120)).all()


def test_weights_that_were_brought_along_are_not_read(monkeypatch):
    """A module is told by its layers: two with other weights are the same request."""
    one, other = network(), network()
    assert modules.described(one) == modules.described(other)
    assert modules.described(one)[1] == LAYERS[1]
    first = [each.detach().clone() for each in modules.built(modules.described(one)).parameters()]
    assert not torch.equal(first[0], one[0].weight.double())


class Writing(nn.Linear):
    """Would hand rows out beside the noise."""

    def forward(self, rows):
        pytest.fail("code of the caller met rows")


def altered():
    model = network()
    model.forward = lambda *_: pytest.fail("code of the caller met rows")
    return model


def hooked():
    model = network()
    model[0].register_forward_hook(lambda *_: pytest.fail("code of the caller met rows"))
    return model


OWN_CODE = {
    "subclass": lambda: nn.Sequential(Writing(8, 5)),
    "module of one's own": lambda: Writing(8, 5),
    "forward of its own": altered,
    "hook": hooked,
    "batch norm": lambda: nn.Sequential(nn.Linear(8, 5), nn.BatchNorm1d(5)),
    "embedding": lambda: nn.Sequential(nn.Embedding(8, 5)),
}


@pytest.mark.parametrize("make", OWN_CODE.values(), ids=OWN_CODE)
def test_code_of_the_caller_never_meets_rows(space, make):
    before, session = len(charges(space)), space.acting_as("ana", purpose="research")
    with pytest.raises(HedgerowError) as caught:
        session.train("visits", make(), epsilon="2", target="diag", people=60, delta="4e-8", batch=20)
    assert caught.value.code == "learn.unsupported-layer"
    assert len(charges(space)) == before


BAD = {
    "no list": ("Linear", "train.bad-layers"),
    "empty": ([], "train.bad-layers"),
    "too many": ([{"layer": "ReLU"}] * 101, "train.bad-layers"),
    "unknown": ([{"layer": "Bilinear"}], "learn.unsupported-layer"),
    "of another module": ([{"layer": "utils.clip"}], "learn.unsupported-layer"),
    "nameless": ([{"in_features": 8}], "learn.unsupported-layer"),
    "device": ([LAYERS[0] | {"device": "cpu"}], "train.bad-layers"),
    "lacking": ([{"layer": "Linear", "in_features": 8}], "train.bad-layers"),
    "text": ([LAYERS[0] | {"bias": "import os"}], "train.bad-layers"),
    "negative": ([LAYERS[0] | {"out_features": -1}], "train.bad-layers"),
    "huge": ([LAYERS[0] | {"out_features": 9_000_000}], "learn.too-large"),
    "other columns": ([LAYERS[0] | {"in_features": 9}, *LAYERS[1:]], "train.bad-layers"),
    "other classes": ([*LAYERS[:2], LAYERS[2] | {"out_features": 4}], "train.bad-layers"),
    "rows made one": ([*LAYERS, {"layer": "Flatten", "start_dim": 0}], "learn.unsupported-layer"),
}


@pytest.mark.parametrize(("layers", "code"), BAD.values(), ids=BAD)
def test_layers_that_make_no_model_are_refused_before_rows_are_read(space, monkeypatch, layers, code):
    monkeypatch.setattr(governed, "prepare", lambda *_: pytest.fail("rows were read"))
    before = len(charges(space))
    with pytest.raises(HedgerowError) as caught:
        train(space, replace(ASKED, layers=layers))
    assert caught.value.code == code
    assert len(charges(space)) == before


def test_layers_are_told_of_pytorch_models_alone(space):
    for asked in (replace(ASKED, layers=None), replace(ASKED, model="logistic")):
        with pytest.raises(HedgerowError) as caught:
            train(space, asked)
        assert caught.value.code == "train.bad-layers"
    with pytest.raises(HedgerowError) as caught:
        train(space, replace(ASKED, people=None))
    assert caught.value.code == "train.inexact"


def test_a_file_of_layers_is_read_and_never_executed(tmp_path):
    path = tmp_path / "layers.json"
    path.write_text(json.dumps([{"layer": "LeakyReLU", "negative_slope": 0.1}]))
    assert model_named(f"torch:{path}") == ("torch", [LAYERS[1]])
    for content in (b"import os\n", b"\x80\x04\x95", b'{"layer": 1}', b"[1]", b"[" * 10_000):
        path.write_bytes(content)
        with pytest.raises(HedgerowError) as caught:
            model_named(f"torch:{path}")
        assert caught.value.code == "train.bad-layers"
    with pytest.raises(HedgerowError) as caught:
        model_named(f"torch:{tmp_path / 'none'}")
    assert caught.value.code == "file.missing"


def test_without_the_extra_it_is_said_what_to_install(space, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Fault) as caught:
        train(space, ASKED)
    assert caught.value.code == "extra.missing"
    assert "hedgerow[ml]" in caught.value.next_step


def test_weights_of_other_layers_are_no_model_file(space, tmp_path):
    out = tmp_path / "m.json"
    train(space, ASKED, places=Places(out), fresh=False)
    told = json.loads(out.read_text())
    for wrong in (told["state"]["weights"][:-1], [["nan"] * 32, *told["state"]["weights"][1:]], [["1"]] * 4):
        out.write_text(json.dumps({**told, "state": {**told["state"], "weights": wrong}}))
        with pytest.raises(HedgerowError) as caught:
            load(out)
        assert caught.value.code == "train.bad-model"
