"""One attempt to sign in, bound to the browser that began it [threat 24].

The browser keeps a random secret in a cookie; state, nonce and code verifier are made from it, each for its
purpose and for one service. So nothing is stored, any node can finish what another began, and an answer that
was made for another browser, or for another service, fits no cookie (OpenID Connect Core 1.0, 3.1.2.1 and
15.5.2; RFC 7636; RFC 9700, 4.4).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from msgspec import Struct

SHORTEST_SECRET = 32
"""Characters of a secret that a cookie must hold at least."""


class SignInAttempt(Struct, frozen=True):
    """What the browser's secret stands for at one service."""

    secret: str
    service: str

    @property
    def state(self) -> str:
        """What comes back with the answer, so that it is this browser's."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What the id_token has to hold, so that it is of this attempt."""
        return self._made("nonce")

    @property
    def code_verifier(self) -> str:
        """What shows that whoever redeems the code began the attempt (RFC 7636, 4.1)."""
        return self._made("verifier")

    @property
    def code_challenge(self) -> str:
        """The verifier as it is shown beforehand, by S256 (RFC 7636, 4.2)."""
        return _encoded(hashlib.sha256(self.code_verifier.encode("ascii")).digest())

    def began(self, state: str) -> bool:
        """Tell whether an answer with that state belongs to this attempt."""
        usable = len(self.secret) >= SHORTEST_SECRET and state.isascii()
        return usable and hmac.compare_digest(state, self.state)

    def _made(self, purpose: str) -> str:
        what = f"chatdesk portal {purpose} {self.service}".encode()
        return _encoded(hmac.digest(self.secret.encode(), what, "sha256"))


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
