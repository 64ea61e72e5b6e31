"""Blind indexes: one form for each value, a keyed term of it, and which columns give too much away."""

from __future__ import annotations

from hedgerow.kernel.blindindex.forms import KINDS, SCHEMES, Form, form_named, new_form
from hedgerow.kernel.blindindex.spread import is_too_narrow
from hedgerow.kernel.blindindex.term import TERM_BYTES, term_key, terms

__all__ = [
    "KINDS",
    "SCHEMES",
    "TERM_BYTES",
    "Form",
    "form_named",
    "is_too_narrow",
    "new_form",
    "term_key",
    "terms",
]
