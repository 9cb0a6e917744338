#!/bin/sh
# Find Debian's dovecot for the mail tests, or install it where that can be done without asking.
# A missing server is no failure: it is said loudly, and the tests that need it are skipped and listed.
set -u

if command -v dovecot >/dev/null 2>&1 && [ -e /usr/lib/dovecot/imap ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing dovecot for the mail tests"
    export DEBIAN_FRONTEND=noninteractive
    timeout 600 apt-get install --yes --no-install-recommends dovecot-imapd dovecot-lmtpd >/dev/null 2>&1 ||
        { timeout 300 apt-get update >/dev/null 2>&1 &&
            timeout 600 apt-get install --yes --no-install-recommends dovecot-imapd dovecot-lmtpd >/dev/null 2>&1; }
fi
if ! command -v dovecot >/dev/null 2>&1; then
    echo "!!! NO DOVECOT. These will not be tested: reading a real mailbox over IMAP, and the whole circle" >&2
    echo "!!! of chat, mail and reply. Install dovecot-imapd and dovecot-lmtpd (Debian) and run the tests again." >&2
fi
exit 0
