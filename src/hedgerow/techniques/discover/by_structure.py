"""Rules of references, row ids, dates, soft shapes, and what is left: measures and plain text."""

from __future__ import annotations

from hedgerow.model.words import ColumnRole
from hedgerow.techniques.discover.profile import DATE, EMPTY, NUMBER, TEXT, TIME, TRUTH, WHOLE
from hedgerow.techniques.discover.verdict import Sight, Verdict

_D, _Q, _S = ColumnRole.DIRECT_IDENTIFIER, ColumnRole.QUASI_IDENTIFIER, ColumnRole.SENSITIVE
_M, _O, _R = ColumnRole.MEASURE, ColumnRole.OTHER, ColumnRole.ROW_ID
FEW, SEQUENCE = 12, 20
MOST, HALF, SOME, LITTLE = 0.8, 0.5, 0.3, 0.1
_SENSITIVE_NAMES = frozenset({"diagnosis", "treatment"})
_NOT_PEOPLE = frozenset(
    {"thing", "city", "country", "region", "flag", "occupation", "education", "event-time"}
)


def person_reference(sight: Sight) -> Verdict | None:
    """Judge references to a person: patient_ref, customer number, account id."""
    if not sight.hint.of_person or sight.hint.is_about or not sight.is_kind(TEXT, WHOLE, EMPTY):
        return None
    if sight.hint.is_reference:
        few = sight.profile.cardinality <= FEW and sight.profile.spread < LITTLE
        said = "the name says it refers to a person"
        return None if few else Verdict("person-id", _D, 0.6 if sight.is_kind(EMPTY) else 0.9, (said,))
    if sight.is_kind(TEXT) and sight.profile.cardinality > FEW:
        category = "person-name" if sight.share("name-like", "one-name") >= HALF else "person-id"
        return Verdict(category, _D, 0.7, ("the name says it is a person",))
    return None


def row_id(sight: Sight) -> Verdict | None:
    """Judge numbers of rows and events: named so, or unique and rising."""
    if not sight.is_kind(TEXT, WHOLE):
        return None
    profile = sight.profile
    if sight.hint.of_event and profile.is_unique:
        return Verdict(
            "row-id", _R, 0.95, ("the name says it counts rows or events", "no value stands twice")
        )
    if sight.hint.of_event and sight.hint.words != ("id",):
        return Verdict("event-id", _R, 0.7, ("the name says it refers to an event",))
    if sight.hint.words == ("id",):
        return Verdict("person-id", _D, 0.5, ("an id that stands in several rows may refer to a person",))
    sequence = profile.rising and profile.filled >= SEQUENCE and not sight.hint.category
    if sequence and (sight.is_kind(WHOLE) or sight.share("code", "uuid") >= MOST):
        return Verdict("row-id", _R, 0.9, ("every value is larger than the one before",))
    return None


def person_named(sight: Sight) -> Verdict | None:
    """Judge a plain ``name`` column, and columns whose values look like people's names."""
    if not sight.is_kind(TEXT) or sight.hint.category in _NOT_PEOPLE or sight.hint.is_about:
        return None
    shaped = sight.share("name-like", "one-name")
    if "name" in sight.hint.words and not sight.hint.category and sight.share("numeric") < HALF:
        sure = 0.85 if shaped >= HALF else 0.6
        return Verdict("person-name", _D, sure, ("the name says name", f"{shaped:.0%} look like names"))
    if shaped >= HALF and sight.common_names >= SOME and sight.profile.cardinality >= SEQUENCE:
        said = f"{sight.common_names:.0%} of the sampled values hold a common name"
        return Verdict("person-name", _D, 0.85, (said,))
    if (
        sight.share("name-like") >= MOST
        and sight.profile.spread >= HALF
        and sight.profile.cardinality >= SEQUENCE
    ):
        return Verdict("person-name", _D, 0.55, ("values look like people's names and seldom repeat",))
    return None


def dates(sight: Sight) -> Verdict | None:
    """Judge dates and times: a known moment singles a person out."""
    if sight.is_kind(DATE, TIME) or (sight.is_kind(TEXT) and sight.share("date-text") >= MOST):
        return Verdict("event-time", _Q, 0.8, ("dates or times; a known moment singles a person out",))
    return None


def soft_shapes(sight: Sight) -> Verdict | None:
    """Judge by shapes that other things may have too."""
    if not sight.is_kind(TEXT):
        return None
    profile = sight.profile
    if sight.share("street") >= HALF:
        return Verdict("address", _D, 0.85, ("values look like streets with numbers",))
    if sight.share("sentence") >= SOME and profile.cardinality > SEQUENCE and profile.spread >= LITTLE:
        return Verdict("free-text", _S, 0.8, ("long, varied text; may hold anything",))
    if sight.share("uk-postcode", "ca-postcode", "zip-plus-four") >= MOST:
        return Verdict("zip", _Q, 0.85, ("values look like postal codes",))
    if sight.share("icd") >= MOST and profile.cardinality > FEW and profile.spread < HALF:
        return Verdict("diagnosis", _S, 0.65, ("values look like ICD codes",))
    if sight.share("five-digits") >= MOST and profile.cardinality > FEW:
        return Verdict("zip", _Q, 0.5, ("five digits, as postal codes have",))
    return _unnamed_reference(sight)


def _unnamed_reference(sight: Sight) -> Verdict | None:
    """Judge codes that repeat or not and that no name explains."""
    profile = sight.profile
    coded = sight.share("code", "uuid", "hash") >= MOST and sight.share("numeric") < HALF
    if not coded or profile.spread < LITTLE or profile.cardinality <= SEQUENCE:
        return None
    if profile.is_unique and sight.hint.is_reference:
        return Verdict("row-id", _R, 0.6, ("codes that never repeat, named as a reference",))
    return Verdict("reference", _D, 0.5, ("varied codes may refer to a person",))


def remainder(sight: Sight) -> Verdict:
    """Judge what no other rule took."""
    if sight.is_kind(EMPTY):
        return Verdict("empty", _O, 0.5, ("the column has no values",))
    if sight.is_kind(TRUTH):
        return Verdict("flag", _O, 0.8, ("true or false",))
    if sight.is_kind(WHOLE, NUMBER):
        return Verdict("number", _M, 0.7, ("numbers that no rule reads as anything else",))
    if sight.share("numeric") >= MOST:
        return Verdict("number", _M, 0.5, ("numbers written as text",))
    if sight.profile.cardinality <= FEW or sight.profile.spread < LITTLE:
        return Verdict("category", _O, 0.7, ("few values that repeat",))
    return Verdict("text", _O, 0.4, ("varied text that no rule reads; look at it",))
