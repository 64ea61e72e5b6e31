"""The report of a workspace: one HTML file that needs nothing else and runs nothing."""

from hedgerow.app.report.page import render

__all__ = ["render"]
