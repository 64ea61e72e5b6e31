"""Local privacy beside multi-freq-ldpy, in one process: reports a second, and a hundred thousand decoded.

It draws by NumPy's generator and floats inside compiled code, and its estimates are cut at zero and made to
add up to one; ours are drawn by whole numbers from the operating system and are unbiased. So the times are
those of different promises. pure-ldp 1.2.0 is no peer: it imports two packages that it does not name.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np
from multi_freq_ldpy.pure_frequency_oracles.GRR import GRR_Aggregator_MI, GRR_Client
from multi_freq_ldpy.pure_frequency_oracles.UE import UE_Aggregator_MI, UE_Client

from hedgerow.kernel.local import Client, Survey, Tally, estimate

REPORTS, ENCODED, VALUES = 100_000, 5000, 100


def asked(mechanism):
    common = {"format": "hedgerow/local-survey/v1", "name": "bench", "mechanism": mechanism, "epsilon": "1"}
    return Survey(common | {"reports": 1, "memoise": False, "domain": [f"v{n}" for n in range(VALUES)]})


def cpu_of(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def told(name, theirs, ours):
    print(f"{name:44}  multi-freq-ldpy {theirs:7.3f} s cpu, hedgerow {ours:7.3f} s cpu: {ours / theirs:.2f}")


def main():
    level = Fraction(95, 100)
    clients = {
        "randomised-response": lambda: GRR_Client(7, VALUES, 1.0),
        "optimised-unary": lambda: UE_Client(7, VALUES, 1.0),
    }
    for name, one in clients.items():
        one()  # compiled at the first call
        own = Client(asked(name))
        theirs = cpu_of(lambda one=one: [one() for _ in range(ENCODED)])
        told(
            f"{ENCODED:,} reports, {name}",
            theirs,
            cpu_of(lambda own=own: [own.report("v7") for _ in range(ENCODED)]),
        )
    rng = np.random.default_rng(20)
    outputs = rng.integers(0, VALUES, REPORTS)
    bits = rng.integers(0, 2, (REPORTS, VALUES), dtype=np.uint8)

    def count(mechanism, add):
        tally = Tally(asked(mechanism))
        add(tally)
        estimate(tally, confidence=level)

    packed, no_rows, floats = np.packbits(bits, axis=1), np.zeros(REPORTS, dtype=np.int64), bits.astype(float)
    theirs = cpu_of(lambda: GRR_Aggregator_MI(outputs, VALUES, 1.0))
    told(f"{REPORTS:,} decoded, randomised-response", theirs, cpu_of(
        lambda: count("randomised-response", lambda tally: tally.add_outputs(outputs))
    ))  # fmt: skip
    theirs = cpu_of(lambda: UE_Aggregator_MI(floats, 1.0))
    told(f"{REPORTS:,} decoded, optimised-unary", theirs, cpu_of(
        lambda: count("optimised-unary", lambda tally: tally.add_bits(packed, no_rows))
    ))  # fmt: skip


if __name__ == "__main__":
    main()
