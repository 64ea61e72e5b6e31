"""Backups on disk: their folders, making one, and restoring a workspace from one (``specs/backup.md``)."""
