"""Keys that sign tokens, of the services which tests stand in for."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


def new_rsa_key() -> rsa.RSAPrivateKey:
    """Return a fresh key for RS256, which takes long to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """Return the key's public half as a JSON Web Key (RFC 7517); ``more`` are further members."""
    public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig", **more}
