#!/bin/sh
# Print the first interpreter that can build the environments, or "none: " and what is missing, in one line.
# PYTHON=path names the one to use.
bare=""
for name in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "$name"
        exit 0
    fi
    bare="${bare:-$name}"
done
if [ -n "$bare" ]; then
    echo "none: $bare cannot make virtual environments: install its venv package (on Debian: apt install $bare-venv)"
else
    echo "none: Hedgerow needs Python 3.11 or newer: install it, or name one with PYTHON=path"
fi
