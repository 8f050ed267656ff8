"""Stored input, encrypted for whoever has the private key: a message of the AWS Encryption SDK, as Connect makes it.

Pure; its libraries are imported when the first flow asks. Version 1 of the message format with suite 0x0178
(AES-256-GCM, HKDF-SHA256, no signature); the data key is wrapped with the certificate's RSA key, OAEP with SHA-512,
under the provider AmazonConnect. What would be random elsewhere is derived from `seed` here, so that the same contact
has the same history; that keeps nothing secret from somebody who knows the contact's id.

https://docs.aws.amazon.com/connect/latest/adminguide/encrypt-data.html
https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
"""

import base64
import hashlib
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PROVIDER = b"AmazonConnect"
_SUITE = pack(">H", 0x0178)
_FRAME = 4_096
_HASH = 64
"""Bytes of SHA-512."""


class BadKey(ValueError):
    """What stands in the flow is no certificate with an RSA key that is large enough. The message is for people."""


def encrypted(text: str, key_id: str, certificate: str, seed: str) -> str:
    """The message in base64, as it is in `$.StoredCustomerInput`. Raises BadKey."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = _public_key(certificate)
    drawn = hashlib.shake_256(f"callpark stored input {seed}".encode()).digest(32 + 16 + _HASH)
    data_key, message_id, mask = drawn[:32], drawn[32:48], drawn[48:]
    wrapped = _wrapped(data_key, key, mask)
    header = b"".join(
        (
            *(b"\x01\x80", _SUITE, message_id, pack(">H", 0), pack(">H", 1)),
            *(_sized(PROVIDER), _sized(key_id.encode()), _sized(wrapped)),
            pack(">B4xBI", 2, 12, _FRAME),
        )
    )
    cipher = AESGCM(HKDF(hashes.SHA256(), 32, None, _SUITE + message_id).derive(data_key))
    proof = bytes(12) + cipher.encrypt(bytes(12), b"", header)
    return base64.b64encode(header + proof + _final_frame(cipher, message_id, text.encode())).decode()


def _public_key(pem: str) -> "RSAPublicKey":
    """Of a certificate, or as it is."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    data = pem.strip().encode()
    try:
        whole = b"BEGIN CERTIFICATE" in data
        key: object = load_pem_x509_certificate(data).public_key() if whole else load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(f"InputEncryption.Key is no certificate in PEM: {error}") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < 2_048:
        raise BadKey("InputEncryption.Key needs an RSA key of 2,048 bits or more")
    return key


def _wrapped(data_key: bytes, key: "RSAPublicKey", mask: bytes) -> bytes:
    """RSAES-OAEP (RFC 8017, 7.1.1) with SHA-512 and a given seed."""
    numbers = key.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    block = hashlib.sha512(b"").digest() + bytes(size - len(data_key) - 2 * _HASH - 2) + b"\x01" + data_key
    masked = _xor(block, _stream(mask, len(block)))
    whole = b"\x00" + _xor(mask, _stream(masked, _HASH)) + masked
    return pow(int.from_bytes(whole), numbers.e, numbers.n).to_bytes(size)


def _stream(seed: bytes, length: int) -> bytes:
    """MGF1 with SHA-512."""
    blocks = (hashlib.sha512(seed + pack(">I", counter)).digest() for counter in range(-(-length // _HASH)))
    return b"".join(blocks)[:length]


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _sized(value: bytes) -> bytes:
    return pack(">H", len(value)) + value


def _final_frame(cipher: "AESGCM", message_id: bytes, content: bytes) -> bytes:
    """Input is short: one frame holds it."""
    number = pack(">I", 1)
    nonce = bytes(8) + number
    about = message_id + b"AWSKMSEncryptionClient Final Frame" + number + pack(">Q", len(content))
    return b"\xff\xff\xff\xff" + number + nonce + pack(">I", len(content)) + cipher.encrypt(nonce, content, about)
