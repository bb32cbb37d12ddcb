"""A certificate with its private key, out of one text in PEM."""

from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from connectors.errors import AppRefused
from connectors.oauth import App

ADVICE = "put the certificate and its RSA private key, not encrypted, into one file in PEM"


@dataclass(frozen=True, slots=True)
class Credential:
    """Key and certificate, each in PEM; `headers` name the certificate in a proof (RFC 7515 4.1.6 and 4.1.8)."""

    key: str = field(repr=False)
    certificate: str
    headers: dict[str, str | list[str]]


def read_credential(app: App) -> Credential:
    """What `app.certificate` gives. Raises AppRefused if it cannot be used, LoginRefused if it cannot be had."""
    pem = app.certificate().encode()
    key = _key(pem, app)
    certificate = _certificate(pem, key, app)
    der = certificate.public_bytes(Encoding.DER)
    thumbprint = urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()
    return Credential(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        certificate.public_bytes(Encoding.PEM).decode(),
        {"x5t#S256": thumbprint, "x5c": [b64encode(der).decode()]},
    )


def _key(pem: bytes, app: App) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise AppRefused(f"{_name(app)}: the private key is encrypted", ADVICE) from None
    except (ValueError, UnsupportedAlgorithm):
        raise AppRefused(f"{_name(app)}: there is no private key in PEM that can be read", ADVICE) from None
    if not isinstance(key, RSAPrivateKey):
        raise AppRefused(f"{_name(app)}: the private key is not RSA, which is all that the authority takes", ADVICE)
    return key


def _certificate(pem: bytes, key: RSAPrivateKey, app: App) -> x509.Certificate:
    """The one that belongs to the key, whatever else of its chain there is."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise AppRefused(f"{_name(app)}: there is no certificate in PEM that can be read", ADVICE) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ours = key.public_key().public_bytes(*form)
    for certificate in found:
        if certificate.public_key().public_bytes(*form) == ours:
            return certificate
    raise AppRefused(f"{_name(app)}: the certificate belongs to another key", ADVICE)


def _name(app: App) -> str:
    return f"certificate of {app.client_id}, {app.certificate!r}"
