"""Places and habits: cells by population, time bands, merchant categories, trajectories, over arrays."""
