"""The certificate of https:// and wss://: made once, readable by its owner, renewed, good for this machine's names."""

import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from callpark.gateway.certificate import FILE, KEY_FILE, Certificate
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError

pytestmark = pytest.mark.unit

DAY = 86_400.0


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


async def test_it_is_made_once_and_its_key_is_its_owners(tmp_path: Path, clock: VirtualClock) -> None:
    folder = tmp_path / "not" / "there"
    path = Certificate(folder, clock, 825).ensure()
    assert path == folder / FILE
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    made = path.read_bytes()
    again = Certificate(folder, clock, 825)
    assert again.ensure().read_bytes() == made
    assert again.context() is again.context()
    assert path.read_bytes() == made
    assert sorted(each.name for each in folder.iterdir()) == [KEY_FILE, FILE]


async def test_it_is_for_this_machine_and_signs_nothing_else(tmp_path: Path, clock: VirtualClock) -> None:
    certificate = read(Certificate(tmp_path, clock, 825).ensure())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "*.localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    lasts = certificate.not_valid_after_utc.timestamp() - clock.now()
    assert 823 * DAY < lasts <= 825 * DAY


async def test_one_that_is_nearly_used_up_is_replaced(tmp_path: Path, clock: VirtualClock) -> None:
    path = Certificate(tmp_path, clock, 100).ensure()
    first = read(path).serial_number
    await clock.advance(80 * DAY)
    Certificate(tmp_path, clock, 100).context()
    assert read(path).serial_number == first
    await clock.advance(10 * DAY)
    Certificate(tmp_path, clock, 100).context()
    assert read(path).serial_number != first


async def test_several_that_need_it_at_once_get_the_same(tmp_path: Path, clock: VirtualClock) -> None:
    certificate = Certificate(tmp_path, clock, 825)
    with ThreadPoolExecutor(4) as threads:
        contexts = list(threads.map(lambda _: certificate.context(), range(8)))
    assert len({id(context) for context in contexts}) == 1
    assert isinstance(contexts[0], ssl.SSLContext)


@pytest.mark.parametrize("broken", [FILE, KEY_FILE])
async def test_a_file_that_is_none_is_the_projects_error(tmp_path: Path, clock: VirtualClock, broken: str) -> None:
    Certificate(tmp_path, clock, 825).ensure()
    (tmp_path / broken).write_text("nonsense")
    with pytest.raises(ProjectError, match=r"tls\.pem cannot be used") as raised:
        Certificate(tmp_path, clock, 825).context()
    assert raised.value.remedy == "delete it and tls-key.pem; new ones are made"


async def test_a_folder_that_cannot_be_written(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="no certificate can be kept"):
        Certificate(tmp_path / "file", clock, 825).ensure()
