"""The words of the house: frozen types, errors, records and ports; standard library only."""
