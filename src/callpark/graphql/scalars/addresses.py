"""AWSEmail, AWSURL, AWSIPAddress, AWSPhone. https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html"""

import ipaddress
import re
from urllib.parse import urlsplit

from callpark.graphql.scalars.rule import text_rule

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(
    rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\\r\n]|\\.)+\")@(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])", re.ASCII
)
_LONGEST_EMAIL = 320
"""RFC 5321: 64 of local part, the sign, 255 of domain."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_PHONE = re.compile(r"\+?\d(?:[ -]?\d){2,30}", re.ASCII)
_PREFIX_LENGTH = re.compile(r"\d{1,3}", re.ASCII)


def _is_email(text: str) -> bool:
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def _is_url(text: str) -> bool:
    if _SCHEME.fullmatch(text) is None:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if text[len(parts.scheme) + 1 :].startswith("//") and not parts.hostname:
        return parts.scheme == "file"
    return "//" not in parts.path


def _is_ip_address(text: str) -> bool:
    address, slash, length = text.partition("/")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not slash or (_PREFIX_LENGTH.fullmatch(length) is not None and int(length) <= parsed.max_prefixlen)


def _is_phone(text: str) -> bool:
    if _PHONE.fullmatch(text) is None:
        return False
    import phonenumbers  # its metadata is large and most APIs have no phone numbers

    try:
        number = phonenumbers.parse(text, None if text.startswith("+") else "US")
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number))


AWS_EMAIL = text_rule("AWSEmail", _is_email)
AWS_URL = text_rule("AWSURL", _is_url)
AWS_IP_ADDRESS = text_rule("AWSIPAddress", _is_ip_address)
AWS_PHONE = text_rule("AWSPhone", _is_phone)
