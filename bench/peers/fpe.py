"""Format-preserving encryption of 16 digits beside ff3 (FF3-1) and pyffx (FFX), in one process, one core.

The guarantees differ: FF3-1 is dropped by the draft of SP 800-38G revision 1, and pyffx is HMAC in ten
rounds, no standard. Ours is FF1 of SP 800-38G from an Arrow column to an Arrow column.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import pyarrow as pa
import pyffx
from ff3 import FF3Cipher

import hedgerow.tokens as ht
from frame import SEED, interleaved

FEW, MANY = 10_000, 500_000
KEY = bytes(range(32))


def main():
    values = [f"{(SEED + 982451653 * number) % 10**16:016d}" for number in range(MANY)]
    table = pa.table({"v": values})
    rules, scope = {"columns": {"v": {"kind": "fpe"}}}, ht.Scope("b", "b", "b", "b")
    ff3 = FF3Cipher(KEY.hex(), "D8E7920AFA330A")
    ffx = pyffx.String(KEY, alphabet="0123456789", length=16)
    works = {
        "ff3": (FEW, lambda: [ff3.encrypt(value) for value in values[:FEW]]),
        "pyffx": (FEW, lambda: [ffx.encrypt(value) for value in values[:FEW]]),
        "hedgerow": (MANY, lambda: ht.tokenise(table, rules, secret=KEY, scope=scope)),
    }
    spent = interleaved(3, *(work for _, work in works.values()))
    for (name, (many, _)), each in zip(works.items(), spent, strict=True):
        print(f"16 digits, {name:10} {many / each.cpu_s:12,.0f} values/s cpu")


if __name__ == "__main__":
    main()
