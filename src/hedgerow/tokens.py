"""Tokens in place of values, without a workspace: ``hedgerow.tokens.tokenise(frame, rules, ...)``."""

from __future__ import annotations

from hedgerow.kernel.tokens.coarse import sparse_areas
from hedgerow.kernel.tokens.drawn import VaultMap
from hedgerow.kernel.tokens.enumerable import Reversal, reversal, reverse_digits
from hedgerow.kernel.tokens.ff1 import FF1
from hedgerow.model.keys import Scope
from hedgerow.model.tokenrules import parse, parse_text
from hedgerow.model.tokens import (
    Age,
    CoarseDate,
    Constant,
    DateShift,
    Drop,
    Fpe,
    Hash,
    Keep,
    Lookup,
    Pseudonym,
    Random,
    Redact,
    Reversible,
    Rules,
    Surrogate,
    Token,
    Zip,
)
from hedgerow.techniques.tokens.library import ColumnReport, Tokenised, reveal, tokenise
from hedgerow.techniques.tokens.statements import PROMISES, Promise

__all__ = [
    "FF1",
    "PROMISES",
    "Age",
    "CoarseDate",
    "ColumnReport",
    "Constant",
    "DateShift",
    "Drop",
    "Fpe",
    "Hash",
    "Keep",
    "Lookup",
    "Promise",
    "Pseudonym",
    "Random",
    "Redact",
    "Reversal",
    "Reversible",
    "Rules",
    "Scope",
    "Surrogate",
    "Token",
    "Tokenised",
    "VaultMap",
    "Zip",
    "parse",
    "parse_text",
    "reveal",
    "reversal",
    "reverse_digits",
    "sparse_areas",
    "tokenise",
]
