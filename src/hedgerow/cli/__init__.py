"""The command line: parse, call the service, render; no logic of its own."""
