"""The signature of events and of parsed mail: ECDSA over the timestamp and the raw bytes. The sandbox's own signer."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

PUBLIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqVef44rmmFVAacPU4/3tq5/7mgGGERTlrAwL10JpXmIcIEzYtqCgbwFjZf0H70ze4SlPAodes7sT8+TQ"
    "9VHXQA=="
)
_TEST_KEY = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTcnTXMBPZ5k4HD1l
0Bob7eaRowWj5q78fKlWj/33zm+hRANCAASpV5/jiuaYVUBpw9Tj/e2rn/uaAYYR
FOWsDAvXQmleYhwgTNi2oKBvAWNl/QfvTN7hKU8Ch16zuxPz5ND1UddA
-----END PRIVATE KEY-----
"""
"""A published test key: it protects nothing."""

_key = load_pem_private_key(_TEST_KEY, None)
_foreign_key = ec.generate_private_key(ec.SECP256R1())


def sign(timestamp: str, body: bytes, *, foreign: bool = False) -> str:
    """Sign a body as it goes over the wire. `foreign`: with a key that is not ours."""
    key = _foreign_key if foreign else _key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def is_signed(public_key: str, timestamp: str, body: bytes, signature: str) -> bool:
    """Whether a signature is right. Used to check the signer against what the providers published."""
    key = load_der_public_key(base64.b64decode(public_key))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(base64.b64decode(signature), timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
