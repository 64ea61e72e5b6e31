"""Places and habits: cells, time bands, merchant categories and trajectories of Arrow tables."""
