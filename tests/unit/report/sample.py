"""A report of the Riverside kind, complete and small, for the tests of the page."""

from __future__ import annotations

from typing import Any

FINGERPRINT = "SHA256:3q2+7wAAu1r9Hh2mZ8f0gqX0mZ1sYcQ5kVt7d9R1aBc"


def sample() -> dict[str, Any]:
    return {
        "title": "Riverside: what the hedge kept",
        "workspace": {
            "id": "riverside-7f3a",
            "fingerprint": FINGERPRINT,
            "time": "2026-11-20T09:31:07.120Z",
            "viewer": "owner",
            "version": "0.1.0",
        },
        "refusals": [
            _refusal(
                12,
                "analyst1",
                "query",
                "visits",
                "marketing",
                ("purpose.not-served", "The data set visits may not serve the purpose marketing."),
            ),
            _refusal(
                15,
                "analyst1",
                "query",
                "visits",
                "research",
                ("budget.exhausted", "Asked for epsilon 2, and 1.5 is left for visits and research."),
            ),
            _refusal(
                19,
                "owner",
                "collect",
                "visits",
                None,
                ("collect.unneeded-column", "No purpose needs the column religion."),
                ("collect.no-basis", "The purpose outreach has no lawful basis."),
            ),
            _refusal(
                24,
                "auditor1",
                "release",
                "visits",
                "research",
                ("policy.forbidden", "The role auditor may not release."),
            ),
            _refusal(
                31,
                "analyst1",
                "query",
                "visits",
                "research",
                ("purpose.not-served", "The data set visits may not serve that purpose."),
            ),
        ],
        "held": [
            {
                "dataset": "visits",
                "version": 3,
                "rows": 12841,
                "people": 3120,
                "columns": [
                    _column("name", "text", "direct-identifier", "person-name", in_vault=True),
                    _column("email", "text", "direct-identifier", "email", in_vault=True),
                    _column("age", "integer", "quasi-identifier", "age"),
                    _column("zip", "text", "quasi-identifier", "postal-code"),
                    _column("diagnosis", "text", "sensitive-attribute", "health"),
                    _column("cost", "decimal", "measure", "money"),
                ],
                "purposes": [
                    {
                        "purpose": "research",
                        "basis": "consent",
                        "until": "2027-12-31",
                        "why": "How waiting times and outcomes differ between wards.",
                    },
                    {
                        "purpose": "billing",
                        "basis": "contract",
                        "until": "2030-06-30",
                        "why": "To bill what was done.",
                    },
                ],
            },
            {
                "dataset": "loyalty",
                "version": 1,
                "rows": None,
                "people": None,
                "columns": [
                    _column("card", "text", "direct-identifier", "customer-number", in_vault=True),
                    _column("total", "decimal", "measure", "money"),
                ],
                "purposes": [
                    {
                        "purpose": "offers",
                        "basis": "legitimate-interest",
                        "until": "2027-01-31",
                        "why": "Which goods are bought together.",
                    }
                ],
            },
        ],
        "uses": [
            _use(13, "analyst1", "dp-query", "visits", "research", "done", "epsilon 0.5"),
            _use(14, "analyst1", "dp-query", "visits", "research", "replayed", "nothing"),
            _use(17, "analyst1", "dp-query", "visits", "research", "spent, no result", "epsilon 2"),
            _use(22, "owner", "k-anonymity", "visits", "research", "done", "not private: release rel-01"),
            _use(28, "service1", "read", "visits", "billing", "failed", "nothing"),
        ],
        "budget": [
            {
                "dataset": "visits",
                "purpose": "research",
                "limit": "4",
                "spent": "2.500001",
                "left": "1.499999",
                "apart_from": ["rel-01"],
            },
            {
                "dataset": "*",
                "purpose": "*",
                "limit": "10",
                "spent": "2.500001",
                "left": "7.499999",
                "apart_from": ["rel-01"],
            },
            {
                "dataset": "loyalty",
                "purpose": "offers",
                "limit": "1",
                "spent": "0",
                "left": "1",
                "apart_from": [],
            },
        ],
        "releases": [
            {
                "id": "rel-01",
                "dataset": "visits",
                "purpose": "research",
                "time": "2026-11-20T09:30:41.002Z",
                "technique": "k-anonymity",
                "by": "owner",
                "summary": {
                    "k": 5,
                    "rows": 11988,
                    "classes": 402,
                    "smallest_class": 6,
                    "suppressed_share": "0.0312",
                    "max_risk": "0.1667",
                    "average_risk": "0.0335",
                    "label": "de-identified",
                    "class_sizes": [
                        [6, 41],
                        [7, 30],
                        [9, 22],
                        [14, 96],
                        [23, 88],
                        [41, 70],
                        [77, 31],
                        [150, 19],
                        [402, 4],
                        [1204, 1],
                    ],
                    "levels": {"age": "2 of 5", "zip": "1 of 4", "sex": "0 of 1"},
                    "limits": "k-anonymous is not anonymous: each row looks like at least k-1 others.",
                    "statements": ["diagnosis: every class holds at least 3 distinct values."],
                },
            },
        ],
        "consents": [
            {"purpose": "research", "granted": 2790, "withdrawn": 41, "never_asked": 289},
            {"purpose": "outreach", "granted": None, "withdrawn": None, "never_asked": None},
        ],
        "erasures": [
            {"time": "2026-11-20T09:30:58.400Z", "certificate": "cert-0c41", "state": "logical", "entry": 33},
            {"time": "2026-10-02T12:00:00.000Z", "certificate": "cert-00aa", "state": "final", "entry": 9},
        ],
        "quarantine": [{"batch": "q-17", "dataset": "visits", "rows": 4, "until": "2026-12-20"}],
        "journal": {
            "size": 34,
            "root": "kQ0m5o8v1c2D3e4F5a6B7c8D9e0F1a2B3c4D5e6F7a8=",
            "fingerprint": FINGERPRINT,
            "verified": True,
            "problem": None,
        },
        "acts": [
            {
                "number": 1,
                "title": "A clinic collects with consent",
                "said": "3,120 people, 12,841 rows.\nTwo columns went to the vault.",
            },
            {
                "number": 2,
                "title": "An analyst is refused",
                "said": "The purpose was not one of those declared.",
            },
        ],
        "commands": [
            'hedgerow query visits "SELECT ward, COUNT(*) FROM visits GROUP BY ward" --purpose research',
            "hedgerow --space riverside subject show P-0007 --plain",
            "hedgerow --space riverside journal verify",
        ],
    }


def empty() -> dict[str, Any]:
    lists = (
        "refusals",
        "held",
        "uses",
        "budget",
        "releases",
        "consents",
        "erasures",
        "quarantine",
        "acts",
        "commands",
    )
    kept = {key: sample()[key] for key in ("title", "workspace", "journal")}
    return {**kept, **{key: [] for key in lists}}


def _refusal(
    entry: int, who: str, action: str, dataset: str, purpose: str | None, *reasons: tuple[str, str]
) -> dict[str, Any]:
    return {
        "time": f"2026-11-20T09:30:{entry:02d}.000Z",
        "by": "owner",
        "as": who,
        "action": action,
        "dataset": dataset,
        "purpose": purpose,
        "reasons": [{"code": code, "text": text} for code, text in reasons],
        "entry": entry,
    }


def _column(name: str, kind: str, role: str, category: str, *, in_vault: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "role": role, "category": category, "in_vault": in_vault}


def _use(
    entry: int, who: str, technique: str, dataset: str, purpose: str, outcome: str, cost: str
) -> dict[str, Any]:
    return {
        "time": f"2026-11-20T09:30:{entry:02d}.000Z",
        "by": "owner",
        "as": who,
        "technique": technique,
        "dataset": dataset,
        "purpose": purpose,
        "outcome": outcome,
        "entry": entry,
        "cost": cost,
    }
