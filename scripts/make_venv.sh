#!/usr/bin/env bash
# Makes the virtual environment, or says in one sentence what is missing.
# Usage: make_venv.sh PYTHON DIRECTORY
set -euo pipefail
python=$1
directory=$2

if ! command -v "$python" >/dev/null; then
    echo "chatdesk needs Python 3.11 or later, and '$python' was not found." >&2
    echo "Install it, or name another one: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 15))'; then
    echo "chatdesk needs Python 3.11 to 3.14; '$python' is $("$python" -V 2>&1)." >&2
    echo "Name another one: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian and Ubuntu ship venv as a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "Installing python$version-venv with apt-get"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "python$version-venv" >/dev/null
    else
        echo "'$python' comes without venv. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "Making $directory with $("$python" -V 2>&1)"
"$python" -m venv --clear "$directory"
