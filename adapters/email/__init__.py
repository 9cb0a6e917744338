"""The mail channel: IMAP in, SMTP out."""

from __future__ import annotations

CHANNEL = "email"
