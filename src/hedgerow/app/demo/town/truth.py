"""What each column of Riverside truly is, and which column is the person's reference."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from hedgerow.model.words import ColumnRole

if TYPE_CHECKING:
    from collections.abc import Mapping

_D = ColumnRole.DIRECT_IDENTIFIER
_Q = ColumnRole.QUASI_IDENTIFIER
_S = ColumnRole.SENSITIVE
_M = ColumnRole.MEASURE
_R = ColumnRole.ROW_ID
_O = ColumnRole.OTHER

_CLINIC = {
    "visit_id": _R,
    "patient_ref": _D,
    "full_name": _D,
    "email": _D,
    "phone": _D,
    "birth_date": _Q,
    "sex": _Q,
    "zip": _Q,
    "ward": _O,
    "age": _Q,
    "diagnosis": _S,
    "systolic": _M,
    "hba1c": _M,
    "visit_date": _Q,  # a known visit singles out its visitor
}
_ROLES = {
    "clinic_north_visits": _CLINIC,
    "clinic_south_visits": _CLINIC,
    "clinic_river_visits": _CLINIC,
    "bank_accounts": {
        "account_ref": _D,
        "full_name": _D,
        "iban": _D,
        "address": _D,
        "zip": _Q,
        "salary": _S,
        "balance": _M,
    },
    "bank_transactions": {
        "transaction_id": _R,
        "account_ref": _D,
        "card_number": _D,
        "merchant": _O,
        "merchant_code": _O,
        "amount": _M,
        "timestamp": _Q,  # a few known moments single out a card holder
    },
    "credit_agency_scores": {"consumer_ref": _D, "national_id": _D, "score": _M, "defaults": _M},
    "shop_purchases": {
        "purchase_id": _R,
        "loyalty_card": _D,
        "member_ref": _D,
        "item": _O,
        "category": _O,
        "amount": _M,
        "timestamp": _Q,
    },
    "building_residents": {"flat": _Q, "resident_ref": _D, "full_name": _D, "phone": _D, "entry_method": _O},
}

TRUTH: Mapping[str, Mapping[str, ColumnRole]] = MappingProxyType(
    {table: MappingProxyType(roles) for table, roles in _ROLES.items()}
)
SUBJECT_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "clinic_north_visits": "patient_ref",
        "clinic_south_visits": "patient_ref",
        "clinic_river_visits": "patient_ref",
        "bank_accounts": "account_ref",
        "bank_transactions": "account_ref",
        "credit_agency_scores": "consumer_ref",
        "shop_purchases": "member_ref",
        "building_residents": "resident_ref",
    }
)
