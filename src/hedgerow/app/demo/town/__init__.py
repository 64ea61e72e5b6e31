"""Riverside, a fictional town made from a seed: its residents, what its houses know, and what they agreed to.

Nobody here is real. Names are built from short lists, mail ends in ``example.org``, telephone
numbers lie in ranges reserved for fiction, and account numbers name a bank that does not exist.
"""

from __future__ import annotations

from hedgerow.app.demo.town.files import write
from hedgerow.app.demo.town.generate import attacker_view, generate
from hedgerow.app.demo.town.shape import Town

__all__ = ["Town", "attacker_view", "generate", "write"]
