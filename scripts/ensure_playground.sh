#!/usr/bin/env bash
# Installs Microsoft 365 Agents Playground, the client that the end-to-end tests of Teams drive.
# Without npm nothing is installed: those tests are skipped, and say so.
# Usage: ensure_playground.sh DIRECTORY
set -euo pipefail
directory=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    echo "npm was not found: the end-to-end tests of Teams will be skipped. Install Node.js to run them." >&2
    exit 0
fi
mkdir -p "$directory"
cp "$here/package.json" "$here/package-lock.json" "$directory/"
echo "Installing the client for the end-to-end tests of Teams"
if ! (cd "$directory" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error); then
    echo "npm could not install it: the end-to-end tests of Teams will be skipped." >&2
fi
