"""A start reads no certificates; who connects to somebody reads them first."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatdesk import certificates
from tests.running_desk import REPOSITORY
from tests.slack_desk import slack_desk

PROGRAM = """
import ssl
from chatdesk import certificates
with certificates.later():
    from aiohttp import connector

def known():
    return connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509"]

print(known(), ssl.create_default_context().cert_store_stats()["x509"])
certificates.read()
print(known())
"""


def write_certificate(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=3650))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def test_what_is_put_off_knows_nobody_until_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    write_certificate(file)
    environment = {**os.environ, "SSL_CERT_FILE": str(file), "SSL_CERT_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1", "1"]


async def test_a_desk_in_slack_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(certificates, "read", lambda: read.append("read"))
    async with slack_desk():
        assert read == ["read"]
