"""One module for each everyday verb or noun."""
