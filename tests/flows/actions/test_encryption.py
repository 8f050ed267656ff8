"""Stored input as the AWS Encryption SDK reads it: opened by its message format with the private key."""

import base64
import datetime
from struct import unpack_from

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callpark.flows.actions.encryption import BadKey, encrypted
from callpark.flows.contact import Memory
from callpark.flows.declared import Declared
from tests.flows.actions.single import edge, entry, single

pytestmark = pytest.mark.unit

KEY_ID = "11111111-2222-3333-4444-555555555555"
PRIVATE = rsa.generate_private_key(65_537, 2_048)


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "callpark")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=9))
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


CERTIFICATE = certificate_of(PRIVATE)


def decrypted(message: str) -> tuple[str, str]:
    """The text, and the key id that the message names. As the message format has it, field by field."""
    data = base64.b64decode(message)
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at]

    def sized() -> bytes:
        return take(int.from_bytes(take(2)))

    assert take(2) == b"\x01\x80"
    suite, message_id = take(2), take(16)
    assert suite == b"\x01\x78"
    assert take(4) == b"\x00\x00\x00\x01"  # no encryption context, one data key
    assert sized() == b"AmazonConnect"
    key_id, wrapped = sized().decode(), sized()
    kind, iv_length, frame_length = unpack_from(">B4xBI", take(10))
    assert (kind, iv_length) == (2, 12)
    header = data[:at]
    oaep = padding.OAEP(padding.MGF1(hashes.SHA512()), hashes.SHA512(), None)
    data_key = PRIVATE.decrypt(wrapped, oaep)
    cipher = AESGCM(HKDF(hashes.SHA256(), 32, None, suite + message_id).derive(data_key))
    nonce = take(12)
    assert cipher.decrypt(nonce, take(16), header) == b""
    assert take(4) == b"\xff\xff\xff\xff"
    number, nonce = take(4), take(12)
    length = int.from_bytes(take(4))
    assert length <= frame_length
    about = message_id + b"AWSKMSEncryptionClient Final Frame" + number + length.to_bytes(8)
    text = cipher.decrypt(nonce, take(length + 16), about)
    assert at == len(data)
    return text.decode(), key_id


@pytest.mark.parametrize("text", ["4", "4242424242424242", "9" * 100])
def test_who_has_the_private_key_reads_it(text: str) -> None:
    assert decrypted(encrypted(text, KEY_ID, CERTIFICATE, "seed")) == (text, KEY_ID)


def test_the_same_contact_has_the_same_message_and_another_has_another() -> None:
    one = encrypted("42", KEY_ID, CERTIFICATE, "a")
    assert one == encrypted("42", KEY_ID, CERTIFICATE, "a")
    assert one != encrypted("42", KEY_ID, CERTIFICATE, "b")


def test_a_message_that_was_changed_does_not_open() -> None:
    data = bytearray(base64.b64decode(encrypted("42", KEY_ID, CERTIFICATE, "a")))
    data[-1] ^= 1
    with pytest.raises(InvalidTag):
        decrypted(base64.b64encode(bytes(data)).decode())


@pytest.mark.parametrize(
    "key",
    [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        certificate_of(ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(BadKey, match=r"InputEncryption\.Key"):
        encrypted("42", KEY_ID, key, "a")


def card(key_id: str, key: str, declared: Declared) -> tuple[str, str, list[str]]:
    """Where a question for a card number leads when 42 is typed, what is stored, and the warnings."""
    parameters = {
        "Text": "Card?",
        "StoreInput": "True",
        "InputTimeLimitSeconds": "5",
        "InputValidation": {"CustomValidation": {"MaximumLength": "16"}},
        "InputEncryption": {"EncryptionKeyId": key_id, "Key": key},
    }
    driver = single("GetParticipantInput", parameters, declared=declared, memory=Memory(attributes={"key": KEY_ID}))
    if driver.contact.position == "it":
        driver.press("42#")
        assert entry(driver)["Results"] == driver.contact.memory.stored_input
    return edge(driver), driver.contact.memory.stored_input or "", driver.warnings


def test_digits_are_stored_encrypted_once_the_key_is_configured() -> None:
    keys = Declared(security_keys=(KEY_ID,))
    taken, stored, _ = card("$.Attributes.key", CERTIFICATE, keys)
    assert taken == "next"
    assert decrypted(stored) == ("42", KEY_ID)
    assert card(KEY_ID, "nonsense", keys)[:2] == ("error NoMatchingError", "")
    taken, stored, (warning,) = card(KEY_ID, CERTIFICATE, Declared())
    assert (taken, stored) == ("error NoMatchingError", "")
    assert "name it under `security_keys:`" in warning
