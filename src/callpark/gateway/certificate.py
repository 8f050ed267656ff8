"""The certificate of https:// and wss://: self-signed, made at first need, kept in the data folder.

Made by `app.py`, used by `tls.py` when a client begins with TLS; clients trust the file `path`, e.g. through
NODE_EXTRA_CA_CERTS. It is no certificate authority: whoever trusts it trusts this server's names and nothing else.
"""

import contextlib
import datetime
import ipaddress
import os
import ssl
import threading
from pathlib import Path

from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError

FILE = "tls.pem"
KEY_FILE = "tls-key.pem"
_NAMES = ("localhost", "*.localhost")
_ADDRESSES = ("127.0.0.1", "::1")
_DAY = 86_400.0


class Certificate:
    """`directory` is the data folder; `clock` is the machine's, by which clients judge; a certificate is good for
    `days` and replaced when it has less than a tenth of them left."""

    def __init__(self, directory: Path, clock: Clock, days: int) -> None:
        self.path = directory / FILE
        self._key_path = directory / KEY_FILE
        self._clock = clock
        self._days = days
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """For a server. Reads files, and may make them: not for the event loop. Raises ProjectError."""
        with self._lock:
            if self._context is None:
                self._context = self._loaded() or self._made()
            return self._context

    def ensure(self) -> Path:
        """The file that clients trust, there when this returns. Raises ProjectError."""
        if not self.path.exists():
            self.context()
        return self.path

    def _loaded(self) -> ssl.SSLContext | None:
        """None when there is none, or it is used up."""
        if not self.path.exists() or not self._key_path.exists():
            return None
        from cryptography.x509 import load_pem_x509_certificate

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.path, self._key_path)
            ends = load_pem_x509_certificate(self.path.read_bytes()).not_valid_after_utc.timestamp()
        except (OSError, ValueError) as error:
            remedy = f"delete it and {self._key_path.name}; new ones are made"
            raise ProjectError(f"{self.path} cannot be used: {error}", remedy) from error
        if ends - self._clock.now() < self._days * _DAY / 10:
            return None
        context.set_alpn_protocols(["http/1.1", "h2"])  # in our order: h2 is for clients that know nothing else
        return context

    def _made(self) -> ssl.SSLContext:
        certificate, key = _self_signed(self._clock.now(), self._days)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)  # never a new key beside an old certificate
            _write(self._key_path, key, 0o600)
            _write(self.path, certificate, 0o644)
        except OSError as error:
            raise ProjectError(f"no certificate can be kept in {self.path.parent}: {error}", "use --data") from error
        context = self._loaded()
        assert context is not None, "it has just been made"
        return context


def _self_signed(now: float, days: int) -> tuple[bytes, bytes]:
    """Certificate and key as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "callpark on localhost")])
    begins = datetime.datetime.fromtimestamp(now - _DAY, datetime.UTC)
    signs_only = x509.KeyUsage(True, *(False,) * 8)
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in _NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(each)) for each in _ADDRESSES]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signs_only, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(identifier.digest, None, None), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
