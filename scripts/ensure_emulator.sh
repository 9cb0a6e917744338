#!/usr/bin/env bash
# Installs backlot, a Slack emulator that others wrote, in an environment of its own, for the tests against it.
# Where it cannot be installed those tests are skipped, and say so.
# Usage: ensure_emulator.sh PYTHON DIRECTORY
set -euo pipefail
python=$1
directory=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

echo "Installing the Slack emulator for the tests"
"$python" -m venv "$directory"
if ! "$directory/bin/python" -m pip --disable-pip-version-check --no-input -qq install \
    --require-hashes --requirement "$here/requirements/emulator.txt"; then
    rm -rf "$directory"
    echo "The Slack emulator could not be installed: the tests against it will be skipped." >&2
fi
