"""Differentially private synthetic tables of data frames, without a workspace; no epsilon has a default."""

from __future__ import annotations

from hedgerow.kernel.accounting import Budget
from hedgerow.techniques.dp_query.declared import declare
from hedgerow.techniques.synthetic.frame import SyntheticPair, SyntheticTable, synthesise, synthesise_pair

__all__ = ["Budget", "SyntheticPair", "SyntheticTable", "declare", "synthesise", "synthesise_pair"]
