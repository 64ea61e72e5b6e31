"""k-anonymous releases: the governed technique and the library way run the same code."""
