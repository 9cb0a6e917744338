#!/usr/bin/env bash
# Renews requirements/*.txt: exact versions and hashes of all files, for every supported Python and platform.
# The resolver lives in a throw-away environment, so it is not among the things it locks.
# Usage: lock.sh PYTHON
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../requirements"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" -m venv "$work"
"$work/bin/python" -m pip -qq install "uv>=0.9"

compile() {
    "$work/bin/uv" --no-config pip compile --quiet --universal --python-version 3.11 --upgrade \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
compile runtime.in --output-file runtime.txt
compile dev.in --constraints runtime.txt --output-file dev.txt
compile emulator.in --output-file emulator.txt

if grep -nE '://|^(-i|-f|--index|--extra|--find|--trusted)' runtime.txt dev.txt emulator.txt; then
    echo "A lock names the place its packages came from: take that line out." >&2
    exit 1
fi
