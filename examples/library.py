"""The techniques on a table in memory, without a workspace: find, generalise, attack, ask.

Run it with ``python examples/library.py``. Nothing is kept and no ledger knows of it: the budget is
a value, and whoever holds it must discard the old one.
"""

# ruff: noqa: INP001, T201 - an example is no package, and prints

from __future__ import annotations

import random

import pyarrow as pa

import hedgerow as hr

draw = random.Random(7)  # noqa: S311 - made-up people, the same in every run
people = pa.table(
    {
        "person": list(range(600)),
        "email": [f"person{n}@example.org" for n in range(600)],
        "age": [draw.randint(18, 90) for _ in range(600)],
        "ward": [draw.choice("ABC") for _ in range(600)],
        "diagnosis": [draw.choice(["asthma", "back pain", "migraine"]) for _ in range(600)],
    }
)

print("What is in it:")
for finding in hr.discover.columns(people):
    print(f"  {finding.column}: {finding.role.value} ({finding.category})")

quasi = ["age", "ward"]
made = hr.anonymity.k_anonymous(
    people.drop_columns(["email"]), quasi=quasi, sensitive=["diagnosis"], k=5, person="person"
)
known = hr.anonymity.hierarchies_for(people, quasi)
raw = hr.anonymity.linkage_attack(people.slice(0, 100), people, quasi=quasi)
released = hr.anonymity.linkage_attack(people.slice(0, 100), made.table, quasi=quasi, hierarchies=known)
print(f"Of 100 people whose age and ward an attacker knows, found in the raw table: {raw.singled_out},")
print(f"  in the 5-anonymous one: {released.singled_out}")

declaration = hr.dp.declare(max_rows=1, bounds={"age": (18, 90)}, keys={"ward": ["A", "B", "C"]})
answer, left = hr.dp.query(
    people,
    "SELECT ward, COUNT(*), AVG(age) GROUP BY ward",
    person="person",
    declaration=declaration,
    epsilon="1",
    budget=hr.dp.Budget.of("2"),
)
print(f"A private answer ({answer.standing}):")
for row in answer.records():
    print(f"  {row}")
print(answer.sentence)
print(f"Left: {left.left}")
