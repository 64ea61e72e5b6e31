"""An epoch of private training beside Opacus, in one process: 48,000 rows of 100 features, batches of 256.

Both sample people by chance and cut each one's part. Opacus adds Gaussian floats of torch's generator (its
secure mode is off, as by default) and computes in single precision; ours adds whole numbers and computes in
double. Both run on one thread, for steps this small.
"""

from __future__ import annotations

import sys
import warnings
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np
import torch
from opacus import PrivacyEngine
from torch.utils.data import DataLoader, TensorDataset

from frame import SEED, interleaved
from hedgerow.learn import Budget
from hedgerow.learn.torch import DPTrainer
from hedgerow.techniques.dp_train.paying import Noise, Wish
from hedgerow.techniques.dp_train.persample import layers_of

ROWS, WIDTH, BATCH, REPEAT = 48_000, 100, 256, 5
WISH = Wish(Fraction(1), Fraction(1, 10**5))


def logistic():
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, 2))


def network():
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))


def by_opacus(model, rows, aims):
    loader = DataLoader(TensorDataset(rows.float(), aims), batch_size=BATCH)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer, loader = PrivacyEngine().make_private(
        module=model, optimizer=optimizer, data_loader=loader, noise_multiplier=1.0, max_grad_norm=1.0
    )

    def epoch():
        for some, wanted in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(some), wanted).backward()
            optimizer.step()

    return epoch


def by_us(model, rows, aims, *, has_noise):
    trainer = DPTrainer(
        model, epsilon="1", delta="1e-5", n_public=ROWS, batch_size=BATCH, epochs=1,
        budget=Budget.of("1", "1e-5"), optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    )  # fmt: skip
    run = trainer._run()  # noqa: SLF001 - the parts of a fit are timed apart
    noise = trainer._noise(WISH, run) if has_noise else Noise(0.0, lambda exact: exact)  # noqa: SLF001
    given, wanted = trainer._read(rows, aims)  # noqa: SLF001
    return lambda: trainer._descend(given, wanted, None, layers_of(model), run, noise)  # noqa: SLF001


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    draw = np.random.default_rng(SEED)
    rows, aims = torch.as_tensor(draw.normal(size=(ROWS, WIDTH))), torch.as_tensor(draw.integers(0, 2, ROWS))
    for name, make in (("logistic", logistic), (f"network {WIDTH}-64-2", network)):
        told = interleaved(
            REPEAT,
            by_opacus(make(), rows, aims),
            by_us(make(), rows, aims, has_noise=False),
            by_us(make(), rows, aims, has_noise=True),
        )
        theirs, quiet, loud = told
        print(f"epoch, {name}: Opacus {theirs}; hedgerow apart from noise {quiet}, with noise {loud}")


if __name__ == "__main__":
    main()
