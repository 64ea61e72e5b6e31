"""Local privacy: reports that a client gives a second, and a million decoded, from memory and from lines.

Beside the client stands what it cannot do without, one draw of the operating system's randomness; beside the
decoder the bare count of the same array. Other libraries are measured by ``make bench-peers``.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from frame import Row, Sizes, apart, interleaved, seconds, timed

REPORTS = 1_000_000
ENCODED = 2000
REPEAT = 3
LEVEL = Fraction(95, 100)
EPSILON = "1"
OF_SKETCH = {"rows": 64, "buckets": 1024, "seed": "5e" * 32}


def survey(mechanism: str, values: int = 0):
    """Make a survey of so many values, or a sketch."""
    from hedgerow.kernel.local.drafting import Wish, checked_survey, draft

    domain = [f"value {number}" for number in range(values)] or None
    return checked_survey(draft(Wish("bench", EPSILON, domain, mechanism), OF_SKETCH["seed"]))


def rows(sizes: Sizes) -> Iterator[Row]:
    for name, wall, cpu, limit in apart(encoding):
        figures = {"per_second": 1 / wall, "cpu_s": cpu}
        peer = f"one draw of randomness {seconds(limit)}"
        yield Row(
            f"randomise: {name}", f"{1 / wall:,.0f} reports a second", peer, wall / limit, figures=figures
        )
    many = sizes.of(REPORTS)
    for name, ours, peer in apart(decoding, many):
        figures = {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s}
        told = "" if peer is None else f"numpy's count alone {peer}"
        ratio = None if peer is None else ours.cpu_s / peer.cpu_s
        yield Row(f"decode {many:,} reports: {name}", str(ours), told, ratio, figures=figures)


def encoding() -> list[tuple[str, float, float, float]]:
    """Give name, seconds a report on the wall and of the processor, and seconds of one bare draw."""
    from hedgerow.kernel.local import Client

    found = []
    for name, asked in (
        ("randomised response, 10 values", survey("randomised-response", 10)),
        ("optimised unary, 100 values", survey("optimised-unary", 100)),
        ("Hadamard, 1,000 values", survey("hadamard", 1000)),
        ("sketch, 64 x 1,024", survey("count-mean-sketch")),
    ):
        client = Client(asked)

        def ours(client=client):
            return [client.report("value 7") for _ in range(ENCODED)]

        def bare():
            return [secrets.randbelow(1 << 33) for _ in range(ENCODED)]

        spent, limit = interleaved(REPEAT, ours, bare)
        found.append((name, spent.wall_s / ENCODED, spent.cpu_s / ENCODED, limit.wall_s / ENCODED))
    return found


def decoding(many: int) -> list[tuple[str, object, object]]:
    """Give name, what ours took, and what the bare count took."""
    from hedgerow.kernel.local import Tally, estimate
    from hedgerow.kernel.local.tally import outputs_of

    rng, found = np.random.default_rng(20), []

    asked = survey("hadamard", 1000)
    outputs = rng.integers(0, outputs_of(asked), many)

    def by_number():
        tally = Tally(asked)
        tally.add_outputs(outputs)
        return estimate(tally, confidence=LEVEL)

    found.append(("Hadamard, 1,000 values", *interleaved(REPEAT, by_number, lambda: np.bincount(outputs))))

    sketch = survey("count-mean-sketch")
    packed = rng.integers(0, 256, (many, sketch.buckets // 8), dtype=np.uint8)
    lines = rng.integers(0, sketch.rows, many)

    def by_bits():
        tally = Tally(sketch)
        tally.add_bits(packed, lines)
        return estimate(tally, [f"value {number}" for number in range(1000)], confidence=LEVEL)

    found.append(("sketch, 64 x 1,024, 1,000 candidates", timed(by_bits), None))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.jsonl"
        with path.open("w") as file:
            file.writelines(json.dumps({"survey": asked.id, "answer": int(one)}) + "\n" for one in outputs)
        found.append(("Hadamard, from JSON Lines", timed(lambda: _from_lines(asked, path)), None))
    return found


def _from_lines(asked, path: Path):
    from hedgerow.app.local import decode

    return decode(asked, path, None, confidence=LEVEL, is_joint=True)
