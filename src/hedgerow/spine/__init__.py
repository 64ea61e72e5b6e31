"""The only authority: gate, policy, consent, catalog, vault, intake, ledger, journal and releases."""
