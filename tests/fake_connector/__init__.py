"""Microsoft's side of Teams on loopback: who signs calls, who gives tokens, and where messages go."""

from __future__ import annotations
