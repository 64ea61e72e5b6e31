"""Private training of PyTorch models: parts of rows as autograd has them, cut; a divisor that is public.

Dividing by how many rows a batch happens to have is the fault of opacus#571 and #819; it is looked for at
two to ten people.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from hedgerow.learn import Budget
from hedgerow.learn.torch import DPTrainer
from hedgerow.model.errors import Fault, HedgerowError

pytestmark = pytest.mark.extra
torch = pytest.importorskip("torch")

from hedgerow.techniques.dp_train import descending, persample  # noqa: E402 - after the extra is known to be there
from hedgerow.techniques.dp_train.paying import Noise  # noqa: E402

WIDE = int(1e3 * persample.UNIT)
TERMS = {"epsilon": "8", "delta": "1e-5", "n_public": 60, "batch_size": 20, "epochs": 2}


def network(*layers):
    torch.manual_seed(5)
    return torch.nn.Sequential(*layers).double()


def dense():
    return network(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2, bias=False))


def images():
    return network(
        torch.nn.Unflatten(1, (1, 3, 3)),
        torch.nn.Conv2d(1, 2, 2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.LayerNorm(32),
        torch.nn.Linear(32, 2),
    )


def words():
    return network(
        torch.nn.Embedding(5, 3, padding_idx=0),
        torch.nn.Linear(3, 2),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 2),
    )


def data(kind, count=6):
    draw = np.random.default_rng(3)
    aims = torch.as_tensor(draw.integers(0, 2, count))
    if kind is words:
        return torch.as_tensor(draw.integers(0, 5, (count, 4))), aims
    return torch.as_tensor(draw.normal(size=(count, 9 if kind is images else 3))), aims


def exact(model, rows, aims, owners=None, people=None, bound=WIDE):
    trainer = DPTrainer(model)
    layers = persample.layers_of(model)
    whose = None if owners is None else torch.as_tensor(owners)
    return trainer._exact(rows, aims, whose, len(rows) if people is None else people, layers, bound)


def by_autograd(model, rows, aims):
    model.zero_grad()
    torch.nn.functional.cross_entropy(model(rows), aims, reduction="sum").backward()
    return np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])


@pytest.mark.parametrize("kind", [dense, images, words])
def test_what_is_not_cut_sums_to_the_gradient(kind):
    model = kind()
    rows, aims = data(kind)
    found = exact(model, rows, aims) / persample.UNIT
    assert np.allclose(found, by_autograd(model, rows, aims), atol=2e-3, rtol=0)


@pytest.mark.parametrize("kind", [dense, images, words])
@pytest.mark.parametrize("clip", [0.01, 0.3, 2.0])
def test_one_person_moves_the_sums_by_at_most_the_bound(kind, clip):
    model, bound = kind(), int(clip * persample.UNIT)
    rows, aims = data(kind)
    rows = rows if kind is words else rows * 50
    whole = exact(model, rows, aims, bound=bound)
    for left_out in range(len(rows)):
        kept = [place for place in range(len(rows)) if place != left_out]
        assert (
            np.linalg.norm((whole - exact(model, rows[kept], aims[kept], bound=bound)).astype(float)) <= bound
        )


def test_a_cut_that_was_left_out_is_caught(monkeypatch):
    monkeypatch.setattr(persample, "_shrinking", lambda squares, _: torch.ones_like(squares))
    monkeypatch.setattr(persample, "_SLACK", 1e30)
    model, (rows, aims) = dense(), data(dense)
    bound = int(0.01 * persample.UNIT)
    moved = exact(model, rows, aims, bound=bound) - exact(model, rows[1:], aims[1:], bound=bound)
    assert np.linalg.norm(moved.astype(float)) > bound


def test_all_rows_of_a_person_are_cut_together():
    model, (rows, aims) = dense(), data(dense)
    bound = int(0.2 * persample.UNIT)
    owners = [0, 0, 0, 0, 1, 1]
    whole = exact(model, rows, aims, owners, 2, bound)
    other = exact(model, rows[4:], aims[4:], [0, 0], 1, bound)
    assert np.linalg.norm((whole - other).astype(float)) <= bound
    alone = exact(model, rows, aims, list(range(6)), 6, WIDE)
    assert np.allclose(alone, exact(model, rows, aims, None, None, WIDE), atol=1e-2 * persample.UNIT)


def test_a_number_that_is_none_adds_nothing():
    model, (rows, aims) = dense(), data(dense)
    bound = int(persample.UNIT)
    rows[2] = 1e308
    kept = [0, 1, 3, 4, 5]
    moved = exact(model, rows, aims, bound=bound) - exact(model, rows[kept], aims[kept], bound=bound)
    assert np.linalg.norm(moved.astype(float)) <= bound


@pytest.mark.parametrize("count", range(2, 11))
@pytest.mark.parametrize("public", [4, 400])
def test_a_step_divides_by_a_public_constant(monkeypatch, count, public):
    """With everybody the same and no noise, a step is the number of people seen over that constant."""
    rows, aims = torch.ones((count, 3), dtype=torch.float64), torch.zeros(count, dtype=torch.int64)
    seen = np.arange(count)[::2]
    monkeypatch.setattr(descending, "poisson_sample", lambda *_: seen)
    model = dense()
    gradient = by_autograd(model, rows[:1], aims[:1])
    moves = []

    class Steps:
        def __init__(self, parameters):
            self.parameters = list(parameters)

        def step(self):
            moves.append(np.concatenate([p.grad.numpy().ravel() for p in self.parameters]))

        def zero_grad(self, **_):
            pass

    trainer = DPTrainer(model, n_public=public, batch_size=2, epochs=1, clip=100.0, optimizer=Steps)
    run = trainer._run()
    run = replace(run, sampling=replace(run.sampling, steps=1))
    silent = Noise(0.0, lambda exact: exact)
    trainer._descend(rows, aims, None, persample.layers_of(model), run, silent)
    expected = len(seen) * gradient / float(run.sampling.chance * public)
    assert np.allclose(moves[0], expected, atol=1e-3)
    assert 2 <= float(run.sampling.chance * public) < 2.001, (
        "the constant is the public one, whoever is there"
    )


def test_a_model_is_trained_and_paid_for():
    draw = np.random.default_rng(2)
    rows = draw.normal(size=(2000, 3))
    aims = (rows[:, 0] + rows[:, 1] > 0).astype(int)
    budget = Budget.of("20", "1e-4")
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    terms = TERMS | {"n_public": 2000, "batch_size": 500, "epochs": 4, "budget": budget}
    trainer = DPTrainer(model, **terms, optimizer=lambda p: torch.optim.Adam(p, lr=0.1)).fit(rows, aims)
    right = (model(torch.as_tensor(rows)).argmax(1).numpy() == aims).mean()
    assert right > 0.8
    assert trainer.budget_.limit.epsilon == Fraction(12)
    assert trainer.standing_ == "ungoverned: not in any ledger"


def test_numbers_are_predicted_with_rows_of_people():
    draw = np.random.default_rng(2)
    rows = draw.normal(size=(60, 3))
    budget = Budget.of("20", "1e-4")
    trainer = DPTrainer(network(torch.nn.Linear(3, 1)), **TERMS, budget=budget, loss="numbers")
    assert trainer.fit(rows, rows[:, 0], person=np.arange(60) // 2).budget_ is not None


LAYERS = [
    torch.nn.BatchNorm1d(3),
    torch.nn.LSTM(3, 3),
    torch.nn.ReLU(inplace=True),
    torch.nn.BatchNorm2d(2),
    torch.nn.InstanceNorm1d(3, track_running_stats=True),
    torch.nn.Embedding(5, 3, max_norm=1.0),
    torch.nn.Dropout(),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_layer_that_is_not_known_is_refused(layer):
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), layer)
    with pytest.raises(HedgerowError) as caught:
        DPTrainer(model, **TERMS, budget=Budget.of("20", "1e-4")).fit(np.zeros((3, 3)), [0, 1, 0])
    assert caught.value.code == "learn.unsupported-layer"
    assert type(layer).__name__ in caught.value.message


nn = torch.nn


def changed(layer, **attributes):
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


def hooked(layer, kind):
    getattr(layer, kind)(lambda *_: None)
    return layer


class Averaging(nn.Linear):
    """Makes one of all people."""

    def forward(self, rows):
        return super().forward(rows.mean(0, keepdim=True).expand_as(rows))


def tied():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    return nn.Sequential(first, second)


def buffered():
    layer = nn.Linear(3, 3)
    layer.register_buffer("seen", torch.zeros(3))
    return layer


def made_elsewhere():
    layer = nn.Linear(3, 3)
    del layer.weight
    layer.weight = torch.zeros((3, 3))
    return layer


def nested():
    layer = nn.ReLU()
    layer.inner = nn.Linear(3, 3)
    return layer


MIXING = {
    "flatten from people": lambda: nn.Flatten(0, 1),
    "flatten from the far end": lambda: nn.Flatten(-2),
    "unflatten people": lambda: nn.Unflatten(0, (1, -1)),
    "unflatten from the far end": lambda: nn.Unflatten(-2, (1, -1)),
    "softmax over people": lambda: nn.Softmax(dim=0),
    "logarithms over people": lambda: nn.LogSoftmax(dim=0),
    "softmin over people": lambda: nn.Softmin(dim=0),
    "halves of people": lambda: nn.GLU(dim=0),
    "softmax over channels": nn.Softmax2d,
    "learned slope": nn.PReLU,
    "drops channels": nn.Dropout2d,
    "pools what is left": lambda: nn.AdaptiveAvgPool2d(1),
    "gradient by frequency": lambda: nn.Embedding(5, 3, scale_grad_by_freq=True),
    "subclass": lambda: Averaging(3, 3),
    "subclass by a known name": lambda: type("Linear", (Averaging,), {"__module__": "torch.nn.x"})(3, 3),
    "forward of its own": lambda: changed(nn.ReLU(), forward=lambda rows: rows - rows.mean(0)),
    "sequence with a forward of its own": lambda: changed(nn.Sequential(nn.ReLU()), forward=torch.relu),
    "weights normed": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)),
    "weights from elsewhere": lambda: nn.utils.parametrize.register_parametrization(
        nn.Linear(3, 3), "weight", nn.Identity()
    ),
    "weights that are none": made_elsewhere,
    "hook before": lambda: hooked(nn.ReLU(), "register_forward_pre_hook"),
    "hook after": lambda: hooked(nn.ReLU(), "register_forward_hook"),
    "hook on the way back": lambda: hooked(nn.ReLU(), "register_full_backward_hook"),
    "hook before the way back": lambda: hooked(nn.ReLU(), "register_full_backward_pre_hook"),
    "hook on a sequence": lambda: hooked(nn.Sequential(nn.ReLU()), "register_forward_hook"),
    "weights shared": tied,
    "buffer": buffered,
    "layer within a layer": nested,
    "layer without shape": lambda: nn.LazyLinear(3),
}


@pytest.mark.parametrize("make", MIXING.values(), ids=MIXING)
def test_a_layer_that_could_mix_people_is_refused(make):
    with pytest.raises(HedgerowError) as caught:
        persample.layers_of(nn.Sequential(nn.Linear(3, 3), make()))
    assert caught.value.code == "learn.unsupported-layer"


def test_hooks_on_all_modules_are_refused():
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        with pytest.raises(HedgerowError) as caught:
            persample.layers_of(dense())
    finally:
        handle.remove()
    assert caught.value.code == "learn.unsupported-layer"
    assert persample.layers_of(dense())


UNEVEN = {
    "steps made people": ((nn.Flatten(0, 1), nn.Linear(3, 2)), (6, 2, 3)),
    "people made one": ((nn.Unflatten(0, (1, -1)), nn.Linear(3, 2), nn.Flatten(0, 1)), (6, 3)),
    "people pooled": (
        (nn.Unflatten(0, (1, -1)), nn.AvgPool2d((5, 1), 1, (2, 0)), nn.Flatten(0, 1), nn.Linear(3, 2)),
        (6, 3),
    ),
    "people as features": ((nn.Linear(6, 6), nn.Unflatten(0, (6, 1)), nn.Linear(1, 2)), (6,)),
    "people normed": ((nn.LayerNorm((6, 3), elementwise_affine=False), nn.Linear(3, 2)), (6, 3)),
    "people as channels": ((nn.Conv2d(6, 6, 1), nn.Flatten(), nn.Linear(9, 2)), (6, 3, 3)),
}


@pytest.mark.parametrize(("layers", "shape"), UNEVEN.values(), ids=UNEVEN)
def test_what_goes_through_a_layer_has_a_row_for_each_of_the_batch(monkeypatch, layers, shape):
    """The last line of defence: it holds when the list of layers lets one through."""
    monkeypatch.setattr(persample, "_is_odd", lambda _: False)
    with pytest.raises(HedgerowError) as caught:
        exact(network(*layers), torch.ones(shape, dtype=torch.float64), torch.zeros(6, dtype=torch.int64))
    assert caught.value.code == "learn.unsupported-layer"


def test_a_run_that_breaks_off_is_paid_for(monkeypatch):
    """By then steps may have been taken, and the model has what they released."""
    trainer = DPTrainer(dense(), **TERMS, budget=Budget.of("20", "1e-4"))
    monkeypatch.setattr(persample, "_least_dimensions", lambda _: 3)
    with pytest.raises(HedgerowError) as caught:
        trainer.fit(np.zeros((60, 3)), np.zeros(60, dtype=int))
    assert caught.value.code == "learn.unsupported-layer"
    assert trainer.budget_.limit.epsilon == Fraction(12)


def test_a_layer_that_stands_twice_is_refused():
    one = torch.nn.Linear(3, 3)
    with pytest.raises(HedgerowError) as caught:
        persample.layers_of(torch.nn.Sequential(one, one))
    assert caught.value.code == "learn.unsupported-layer"


WRONG = [
    ({"epsilon": None}, "learn.undeclared"),
    ({"budget": None}, "learn.undeclared"),
    ({"n_public": None}, "learn.undeclared"),
    ({"clip": 0}, "learn.bad-parameter"),
    ({"clip": float("nan")}, "learn.bad-parameter"),
    ({"batch_size": 61}, "learn.bad-parameter"),
    ({"loss": "other"}, "learn.bad-parameter"),
    ({"epsilon": "30"}, "learn.budget-exhausted"),
    ({"budget": Budget.of("20", "1e-4", unit="household")}, "dp.budget-other-unit"),
]


@pytest.mark.parametrize(("changed", "code"), WRONG, ids=str)
def test_what_cannot_be_trained_is_refused_and_nothing_is_spent(changed, code):
    trainer = DPTrainer(dense(), **(TERMS | {"budget": Budget.of("20", "1e-4")} | changed))
    with pytest.raises(HedgerowError) as caught:
        trainer.fit(np.zeros((3, 3)), [0, 1, 0])
    assert caught.value.code == code
    assert trainer.budget_ is None


@pytest.mark.parametrize("rows", [np.full((3, 3), np.nan), np.zeros((0, 3)), np.zeros((2, 3))])
def test_rows_that_do_not_fit_are_refused(rows):
    with pytest.raises(ValueError, match=r"X|y"):
        DPTrainer(dense(), **TERMS, budget=Budget.of("20", "1e-4")).fit(rows, [0, 1, 0])


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    model = dense()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Fault) as caught:
        DPTrainer(model).fit([[1.0]], [0])
    assert caught.value.code == "extra.missing"
    assert "hedgerow[ml]" in caught.value.next_step


@pytest.mark.parametrize("kind", [dense, images])
def test_a_part_that_is_too_long_is_shortened_not_dropped(kind):
    model, bound = kind(), int(0.01 * persample.UNIT)
    rows, aims = data(kind)
    found = exact(model, rows[:1] * 10, aims[:1], bound=bound).astype(float)
    whole = by_autograd(model, rows[:1] * 10, aims[:1])
    assert 0.9 * bound < np.linalg.norm(found) <= bound
    assert found @ whole > 0.99 * np.linalg.norm(found) * np.linalg.norm(whole), "and points the same way"


def test_of_those_chosen_all_rows_are_taken_and_numbered_by_person():
    owners = np.array([3, 0, 1, 3, 2, 1])
    places, whose = descending._rows_of(np.array([1, 3]), owners)
    assert places.tolist() == [0, 2, 3, 5]
    assert whose.tolist() == [1, 0, 1, 0]
    assert descending._rows_of(np.array([1, 3]), None)[0].tolist() == [1, 3]


OTHERS = {
    "Conv1d": (
        lambda: network(nn.Conv1d(2, 4, 2, padding=1, groups=2), nn.Flatten(), nn.Linear(20, 2)),
        (2, 4),
    ),
    "Conv2d in groups": (
        lambda: network(nn.Conv2d(2, 4, 2, stride=2, groups=2, bias=False), nn.Flatten(), nn.Linear(16, 2)),
        (2, 4, 4),
    ),
    "Conv3d": (
        lambda: network(nn.Conv3d(1, 2, 2, dilation=1), nn.SiLU(), nn.Flatten(), nn.Linear(16, 2)),
        (1, 3, 3, 3),
    ),
    "GroupNorm": (lambda: network(nn.Linear(4, 4), nn.GroupNorm(2, 4), nn.Tanh(), nn.Linear(4, 2)), (4,)),
    "RMSNorm": (lambda: network(nn.RMSNorm(4), nn.Linear(4, 2)), (4,)),
}


@pytest.mark.parametrize(("make", "shape"), OTHERS.values(), ids=OTHERS)
def test_rows_of_layers_without_a_closed_form_are_those_of_autograd(make, shape):
    """Each row's part, cut alone, is the gradient of that row alone: by autograd, and by torch.func."""
    pytest.importorskip("opacus")
    model, draw = make(), np.random.default_rng(4)
    rows, aims = torch.as_tensor(draw.normal(size=(4, *shape))), torch.as_tensor(draw.integers(0, 2, 4))

    def lost(parameters, row, aim):
        given = torch.func.functional_call(model, parameters, (row[None],))
        return torch.nn.functional.cross_entropy(given, aim[None])

    parameters = dict(model.named_parameters())
    by_row = torch.func.vmap(torch.func.grad(lost), in_dims=(None, 0, 0))(parameters, rows, aims)
    whole = exact(model, rows, aims) / persample.UNIT
    assert np.allclose(whole, by_autograd(model, rows, aims), atol=1e-6)
    for place in range(4):
        alone = exact(model, rows[place : place + 1], aims[place : place + 1]) / persample.UNIT
        assert np.allclose(
            alone, by_autograd(model, rows[place : place + 1], aims[place : place + 1]), atol=1e-6
        )
        beside = np.concatenate([by_row[name][place].detach().numpy().ravel() for name in parameters])
        assert np.allclose(alone, beside, atol=1e-6)


@pytest.mark.parametrize(("make", "shape"), OTHERS.values(), ids=OTHERS)
def test_one_person_moves_the_sums_of_such_layers_by_at_most_the_bound(make, shape):
    pytest.importorskip("opacus")
    model, draw, bound = make(), np.random.default_rng(4), int(0.2 * persample.UNIT)
    rows, aims = torch.as_tensor(draw.normal(size=(5, *shape)) * 9), torch.as_tensor(draw.integers(0, 2, 5))
    owners = np.array([0, 1, 0, 2, 1])
    whole = exact(model, rows, aims, owners, 3, bound)
    for person in range(3):
        kept = np.flatnonzero(owners != person)
        numbers = np.unique(owners[kept], return_inverse=True)[1]
        assert np.linalg.norm(whole - exact(model, rows[kept], aims[kept], numbers, 2, bound)) <= bound


def test_parts_that_opacus_tells_wrongly_are_seen(monkeypatch):
    """The fault looked for above, planted: a layer whose rows are averaged over the batch."""
    pytest.importorskip("opacus")
    from hedgerow.techniques.dp_train import others

    told = others.parts_of

    def mixed(layer, taken, back):
        weight, bias = told(layer, taken, back)
        return weight.mean(0, keepdim=True).expand_as(weight), bias

    monkeypatch.setattr(others, "parts_of", mixed)
    with pytest.raises(AssertionError):
        test_one_person_moves_the_sums_of_such_layers_by_at_most_the_bound(*OTHERS["GroupNorm"])


def test_without_opacus_it_is_said_what_to_install_before_anything_is_spent(monkeypatch):
    monkeypatch.setitem(sys.modules, "opacus", None)
    monkeypatch.setitem(sys.modules, "opacus.grad_sample", None)
    trainer = DPTrainer(network(nn.GroupNorm(1, 3)), **TERMS, budget=Budget.of("20", "1e-4"))
    with pytest.raises(Fault) as caught:
        trainer.fit(np.zeros((3, 3)), [0, 1, 0])
    assert caught.value.code == "extra.missing"
    assert "hedgerow[ml]" in caught.value.next_step
    assert trainer.budget_ is None


def test_of_opacus_nothing_but_parts_of_rows_is_used(repository):
    """Its sampling, noise and accounting stand nowhere in the product."""
    used = [
        line.strip()
        for path in (repository / "src").rglob("*.py")
        for line in path.read_text().splitlines()
        if line.strip().startswith(("import opacus", "from opacus"))
    ]
    assert used == ["from opacus.grad_sample import GradSampleModule"]
