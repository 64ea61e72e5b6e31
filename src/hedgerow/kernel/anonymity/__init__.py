"""k-anonymity: hierarchies, the exact lattice search, risk and linkage, over integer codes."""
