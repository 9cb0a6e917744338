"""A strict Slack on loopback: it refuses what Slack refuses, and its ledger says what it was asked."""
