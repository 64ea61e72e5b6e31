"""Audits of finished releases: re-identification risk, and attacks with a control group."""
