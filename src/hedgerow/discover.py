"""Find personal data in a table, as a library: ``hedgerow.discover.columns(frame)``."""

from __future__ import annotations

from hedgerow.model.findings import ColumnFinding, as_dict, findings_as_json
from hedgerow.techniques.discover import classify, columns

__all__ = ["ColumnFinding", "as_dict", "classify", "columns", "findings_as_json"]
