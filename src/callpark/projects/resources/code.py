"""Where a template's code lies on this disk: folders, zips and inline text of functions, files of GraphQL APIs.

`lambda_.py` and `appsync.py` call it. Zips and inline code are unpacked under the user's cache folder, by digest,
because functions run from folders.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from callpark.functions.code.archive import unpack
from callpark.kernel.errors import CallerError, ProjectError
from callpark.projects.cache import cache_folder, filled
from callpark.projects.document import Place
from callpark.projects.model import InS3
from callpark.projects.resources.assets import asset, object_key
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack
from callpark.projects.template import existing, read_text

_INLINE_FILES: Mapping[str, str] = {"python": "index.py", "nodejs": "index.js"}


def function_folder(resource: Resource, runtime: str, stack: Stack) -> Path | InS3:
    """The folder a function's code runs from. Raises ProjectError when a path leads nowhere."""
    properties = resource.properties
    place = (*properties.place, "Code")
    written = properties.get("Code")
    if isinstance(written, str):
        return _local(written, place, stack)
    code = properties.mapping("Code")
    if code is None:
        raise stack.blame(place, "the function has no code", "give its folder, as in CodeUri: src/")
    inline = code.text("ZipFile")
    code.without_effect("S3ObjectStorageMode", "SourceKMSKeyArn")
    if inline is not None:
        return _inline(inline, runtime, place, stack)
    asset = _asset(resource, code, stack)
    if asset is not None:
        return asset
    return _in_s3(code)


def layer_folder(resource: Resource, stack: Stack) -> Path | InS3:
    """The folder that holds what a layer holds. Raises ProjectError when a path leads nowhere."""
    properties = resource.properties
    place = (*properties.place, "Content")
    written = properties.get("Content")
    if isinstance(written, str):
        return _local(written, place, stack)
    content = properties.mapping("Content")
    if content is None:
        raise stack.blame(place, "the layer has no content", "give its folder, as in ContentUri: layer/")
    content.without_effect("S3ObjectStorageMode")
    asset = _asset(resource, content, stack)
    if asset is not None:
        return asset
    return _in_s3(content)


def source_text(location: str, place: Place, limit: int, stack: Stack) -> tuple[str, Path]:
    """The text of a `…S3Location` or `CodeUri` that names a local file, or an asset of `cdk.out`."""
    key = object_key(location)
    path = existing(stack.folder, location) if key is None else asset(key, stack.folder)
    if path is None or not path.is_file():
        if key is not None:
            remedy = "run `cdk synth`, or give the path of a local file"
            raise stack.blame(place, f"{location} is not on this machine", remedy)
        raise stack.blame(
            place, f"there is no file {location}", "correct the path; it starts from the template's folder"
        )
    stack.watch(path)
    return read_text(path, limit), path


def _local(written: str, place: Place, stack: Stack) -> Path:
    path = existing(stack.folder, written)
    if path is None:
        raise stack.blame(
            place, f"there is no code at {written}", "correct the path; it starts from the template's folder"
        )
    if path.is_dir():
        stack.watch(path)
        return path
    if zipfile.is_zipfile(path):
        stack.watch(path)
        return _unzipped(path, place, stack)
    if path.suffix in (".zip", ".jar"):
        raise stack.blame(place, f"{written} is no zip file", "make the zip anew")
    stack.watch(path.parent)
    return path.parent


def _in_s3(code: Properties) -> InS3:
    """Raises ProjectError."""
    return InS3(code.required("S3Bucket"), code.required("S3Key"), code.text("S3ObjectVersion"))


def _asset(resource: Resource, code: Properties, stack: Stack) -> Path | None:
    """What `cdk synth` left for the function: the metadata say where, else the key does."""
    key = code.text("S3Key") or ""
    named = resource.metadata.get("aws:asset:path")
    path = existing(stack.folder, named) if isinstance(named, str) else None
    if path is None and key:
        path = asset(key, stack.folder)
    if path is None or not (path.is_dir() or zipfile.is_zipfile(path)):
        return None
    code.without_effect("S3Bucket", "S3ObjectVersion")
    return _local(str(path), (*resource.properties.place, "Code"), stack)


def _inline(text: str, runtime: str, place: Place, stack: Stack) -> Path:
    name = next((file for prefix, file in _INLINE_FILES.items() if runtime.startswith(prefix)), None)
    if name is None:
        raise stack.blame(place, f"inline code for {runtime} is not possible", "put the code into a folder")
    folder = cache_folder() / "inline" / hashlib.sha256(f"{name}\0{text}".encode()).hexdigest()[:32]
    if not (folder / name).is_file():
        try:
            with filled(folder) as work:
                (work / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise _unpackable(folder, error, place, stack) from None
    return folder


def _unzipped(path: Path, place: Place, stack: Stack) -> Path:
    data = path.read_bytes()
    folder = cache_folder() / "zips" / hashlib.sha256(data).hexdigest()[:32]
    if folder.is_dir():
        return folder
    try:
        with filled(folder) as work:
            unpack(data, work, stack.limits.lambda_)
    except CallerError as error:
        raise stack.blame(place, f"{path.name} cannot be unpacked: {error.message}", "make the zip anew") from None
    except OSError as error:
        raise _unpackable(folder, error, place, stack) from None
    return folder


def _unpackable(folder: Path, error: OSError, place: Place, stack: Stack) -> ProjectError:
    return stack.blame(
        place,
        f"the code cannot be unpacked into {folder}: {error.strerror}",
        "make that folder writable, or name another one with XDG_CACHE_HOME",
    )
