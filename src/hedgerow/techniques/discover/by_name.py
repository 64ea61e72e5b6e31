"""Rules where the name announces a category and the values do not contradict it."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow.compute as pc

from hedgerow.model.words import ColumnRole
from hedgerow.techniques.discover.profile import DATE, EMPTY, NUMBER, TEXT, TIME, TRUTH, WHOLE
from hedgerow.techniques.discover.verdict import Sight, Verdict

_D, _Q, _S = ColumnRole.DIRECT_IDENTIFIER, ColumnRole.QUASI_IDENTIFIER, ColumnRole.SENSITIVE
_M, _O = ColumnRole.MEASURE, ColumnRole.OTHER
FEW, MANY = 12, 50
LONG_DIGITS, DATE_DIGITS = 6, 8
OLDEST = 130
_HALF, _SOME = 0.5, 0.3

_NAMED: dict[ColumnRole, str] = {
    _D: """
    email phone person-name username national-id passport driving-licence vehicle-plate health-id card iban
    bank-account membership address ip-address mac-address device-id face-template fingerprint-template
    """,
    _Q: """
    dwelling zip city country region date-of-birth age sex race marital-status education occupation
    coordinates url event-time year
    """,
    _S: "religion politics sex-life criminal-record diagnosis treatment salary secret free-text",
    _M: "health-measure amount count",
    _O: "thing flag",
}
ROLES = {category: role for role, line in _NAMED.items() for category in line.split()}
SPECIAL = frozenset({"race", "religion", "politics", "sex-life", "diagnosis", "treatment", "face-template"})


def announced(sight: Sight) -> Verdict | None:
    """Judge by the name's category when the values agree or say nothing against it."""
    category = sight.hint.category
    if category not in ROLES or (sight.hint.is_about and ROLES[category] is _D):
        return None
    role = ROLES[category]
    if sight.is_kind(EMPTY):
        return Verdict(category, role, 0.4, (f"the name says {category}", "the column has no values"))
    if sight.is_kind(TRUTH):
        return Verdict(category, role, 0.8, (f"the name says {category}",)) if role is _S else None
    if not _AGREES.get(category, _by_role[role])(sight):
        return None
    reasons = [f"the name says {category}"]
    if category in SPECIAL:
        reasons.append("a special category of personal data (GDPR Article 9)")
    return Verdict(category, role, 0.85, tuple(reasons))


def _identifies(sight: Sight) -> bool:
    """Text with many values, or whole numbers long enough to name someone."""
    if sight.is_kind(TEXT):
        return sight.profile.cardinality > FEW or sight.profile.spread > _SOME
    return sight.is_kind(WHOLE) and _length(sight) >= LONG_DIGITS


def _length(sight: Sight) -> float:
    return float(pc.mean(pc.binary_length(sight.profile.sample)).as_py() or 0)


def _phone(sight: Sight) -> bool:
    shaped = sight.share("phone", "phone-digits", "masked") >= _HALF
    return shaped and (sight.is_kind(TEXT) or _length(sight) > LONG_DIGITS)


def _worded(sight: Sight) -> bool:
    return sight.is_kind(TEXT) and sight.share("numeric") < _HALF


def _body(sight: Sight) -> bool:
    return sight.is_kind(TEXT) and _length(sight) > MANY


def _numeric(sight: Sight) -> bool:
    return sight.is_kind(WHOLE, NUMBER) or sight.share("numeric") >= _HALF


def _age(sight: Sight) -> bool:
    if sight.is_kind(WHOLE, NUMBER):
        ends = pc.min_max(sight.profile.values).as_py()
        return bool(ends["min"] >= 0 and ends["max"] <= OLDEST)
    return sight.is_kind(TEXT)


def _few(sight: Sight) -> bool:
    return sight.is_kind(TEXT, WHOLE) and sight.profile.cardinality <= FEW


def _place(sight: Sight) -> bool:
    return sight.is_kind(TEXT, WHOLE)


def _dated(sight: Sight) -> bool:
    if sight.is_kind(DATE, TIME) or sight.share("date-text") >= _HALF:
        return True
    few = sight.profile.cardinality <= MANY and bool({"day", "month"} & set(sight.hint.words))
    return sight.is_kind(WHOLE) and (few or _length(sight) >= DATE_DIGITS)


def _written(sight: Sight) -> bool:
    return sight.share("sentence") >= _SOME and sight.profile.cardinality > FEW


def _coded(sight: Sight) -> bool:
    return not sight.is_kind(DATE, TIME, NUMBER)


_by_role: dict[ColumnRole, Callable[[Sight], bool]] = {
    _D: _identifies,
    _Q: _place,
    _S: lambda sight: not sight.is_kind(DATE, TIME),
    _M: _numeric,
    _O: _coded,
}
_AGREES: dict[str, Callable[[Sight], bool]] = {
    "person-name": _worded,
    "phone": _phone,
    "ip-address": lambda sight: sight.share("ipv4", "ipv6") >= _SOME,
    "mac-address": lambda sight: sight.share("mac") >= _SOME,
    "face-template": _body,
    "fingerprint-template": _body,
    "date-of-birth": lambda sight: not sight.is_kind(NUMBER),
    "age": _age,
    "sex": _few,
    "race": _worded,
    "religion": _worded,
    "city": _worded,
    "education": lambda sight: not sight.is_kind(DATE, TIME),
    "coordinates": lambda sight: sight.is_kind(NUMBER) or sight.share("coordinate-pair") >= _SOME,
    "event-time": _dated,
    "year": lambda sight: sight.is_kind(WHOLE),
    "free-text": _written,
    "url": lambda sight: sight.share("url") >= _SOME,
    "flag": _few,
}
