"""Where hot reload looks for changes."""

from pathlib import Path

import pytest
from watchfiles import Change

from callpark.cli.reloading import ProjectFilter, places

pytestmark = pytest.mark.unit


def test_folders_are_watched_whole_and_files_through_their_folder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    template = tmp_path / "template.yaml"
    template.touch()
    found = places([template, tmp_path / "src"])
    assert found.folders == {tmp_path / "src"}
    assert found.parents == {tmp_path}


def test_what_is_gone_is_seen_through_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert places([tmp_path / "gone" / "src"]).parents == {tmp_path}


def test_data_byte_code_and_version_control_change_nothing(tmp_path: Path) -> None:
    wanted = ProjectFilter(tmp_path / ".callpark")
    change = Change.modified
    assert wanted(change, str(tmp_path / "src" / "app.py"))
    assert not wanted(change, str(tmp_path / ".callpark" / "callpark.db"))
    assert not wanted(change, str(tmp_path / "src" / "__pycache__" / "app.cpython-311.pyc"))
    assert not wanted(change, str(tmp_path / ".git" / "index"))
