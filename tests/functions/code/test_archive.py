"""Uploaded archives: usable ones unpack, hostile ones are refused with AWS's words."""

import io
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.functions.code.archive import UNUSABLE, check, unpack
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from tests.functions.scene import zipped

pytestmark = pytest.mark.unit

LIMITS = LambdaLimits()


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def packed(*entries: tuple[zipfile.ZipInfo, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info, content in entries:
            archive.writestr(info, content)
    return buffer.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, str]:
    return entry(name, stat.S_IFLNK | 0o777), target


def check_and_unpack(data: bytes, root: Path, limits: LambdaLimits) -> None:
    check(data, limits)
    unpack(data, root, limits)


def refused(data: bytes, target: Path, limits: LambdaLimits = LIMITS) -> CallerError:
    """The refusal, whether at the check or while unpacking; nothing may appear outside `target`."""
    root = target / "root"
    root.mkdir()
    with pytest.raises(CallerError) as refusal:
        check_and_unpack(data, root, limits)
    assert [path.name for path in target.iterdir()] == ["root"]
    return refusal.value


def test_files_folders_and_modes(tmp_path: Path) -> None:
    data = packed(
        (entry("app.py", stat.S_IFREG | 0o600), "code"),
        (entry("bootstrap", stat.S_IFREG | stat.S_ISUID | 0o777), "#!/bin/sh"),
        (entry("empty/", stat.S_IFDIR | 0o755), ""),
        (entry("deep/er/module.py", 0), "deep"),
        link("deep/link.py", "er/module.py"),
    )
    check(data, LIMITS)
    unpack(data, tmp_path, LIMITS)
    assert (tmp_path / "app.py").read_text() == "code"
    assert stat.S_IMODE((tmp_path / "app.py").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "bootstrap").stat().st_mode) == 0o755
    assert (tmp_path / "empty").is_dir()
    assert (tmp_path / "deep" / "link.py").read_text() == "deep"


@pytest.mark.parametrize("data", [b"not a zip", b"PK\x03\x04", zipped({"a.py": "x" * 500})[:-30], b"\0" * 100])
def test_what_is_no_archive(data: bytes, tmp_path: Path) -> None:
    refusal = refused(data, tmp_path)
    assert (refusal.code, refusal.status) == ("InvalidParameterValueException", 400)
    assert refusal.body == {"Type": "User", "message": UNUSABLE}


@pytest.mark.parametrize("data", [b"", zipped({})])
def test_nothing_in_it(data: bytes, tmp_path: Path) -> None:
    assert refused(data, tmp_path).message == "Uploaded file must be a non-empty zip"


@pytest.mark.parametrize("name", ["../evil.py", "a/../../evil.py", "/tmp/evil.py", "..", "a\\..\\evil.py"])
def test_names_that_climb_out(name: str, tmp_path: Path) -> None:
    assert refused(zipped({name: "x"}), tmp_path).message == UNUSABLE


@pytest.mark.parametrize(
    "entries",
    [
        [link("out", "/etc/passwd")],
        [link("out", "../../etc/passwd")],
        [link("d/e/here", "../.."), link("out", "d/e/here/../x")],
        [link("d/e/up", "../../.."), link("a", "d/e/up"), link("a/evil", "x")],
        [link("x", "y" * 5000)],
        [(entry("device", stat.S_IFCHR | 0o666), "")],
        [(entry("pipe", stat.S_IFIFO | 0o666), "")],
        [(entry("a", stat.S_IFREG), "file"), (entry("a/b", stat.S_IFREG), "below a file")],
    ],
)
def test_links_and_devices_that_lead_out(entries: list[tuple[zipfile.ZipInfo, str]], tmp_path: Path) -> None:
    assert refused(packed(*entries), tmp_path).message == UNUSABLE


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("untouched")
    root = tmp_path / "root"
    root.mkdir()
    data = packed(link("way", "../outside.txt"), (entry("way", stat.S_IFREG), "overwritten"))
    with pytest.raises(CallerError):
        unpack(data, root, LIMITS)
    assert outside.read_text() == "untouched"


def test_sizes() -> None:
    limits = replace(LIMITS, unzipped_bytes=5000)
    with pytest.raises(CallerError, match="Unzipped size must be smaller than 5000 bytes"):
        check(zipped({"bomb": b"\0" * 5001}), limits)


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    data = bytearray(zipped({"bomb": b"\0" * 100_000}))
    for header, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(header) + offset
        data[at : at + 4] = (10).to_bytes(4, "little")
    limits = replace(LIMITS, unzipped_bytes=5000)
    assert refused(bytes(data), tmp_path, limits).status == 400


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_archive_is_unpacked_or_refused(tmp_path: Path, at: int, byte: int) -> None:
    data = bytearray(zipped({"app.py": "print('hello')\n" * 20, "lib/x.txt": "text"}))
    data[at % len(data)] = byte
    root = tmp_path / f"{at}-{byte}"
    root.mkdir(exist_ok=True)
    status = 200
    try:
        check_and_unpack(bytes(data), root, LIMITS)
    except CallerError as refusal:
        status = refusal.status
    assert status in (200, 400, 413)
