"""The outside world: files, stores, keys and engines, each behind a small face."""
