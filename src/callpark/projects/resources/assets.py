"""Objects in S3 that lie on this disk all the same: what `cdk synth` and Amplify's build leave beside the template.

`code.py` asks with an object's key. CDK names its files `asset.<digest>`, its manifest `<stack>.assets.json` says which
object each becomes; Amplify's folders are those of the deployment bucket.
https://docs.aws.amazon.com/cdk/v2/guide/assets.html
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import orjson

from callpark.projects.template import existing

_LOCATION = re.compile(
    r"s3://[^/]+/(?P<uri>.+)"
    r"|https://s3[.-][^/]*amazonaws\.com(?:\.cn)?/[^/]+/(?P<path>.+)"
    r"|https://[^/]+\.s3[.-][^/]*amazonaws\.com(?:\.cn)?/(?P<host>.+)"
)


def object_key(location: str) -> str | None:
    """The key in an S3 URI or URL; None for anything else."""
    found = _LOCATION.fullmatch(location)
    return None if found is None else found[str(found.lastgroup)]


def asset(key: str, folder: Path) -> Path | None:
    """The file or folder, beside the template in `folder`, that becomes the object of that key."""
    for name in _candidates(key, folder):
        path = existing(folder, name)
        if path is not None:
            return path
    return None


def _candidates(key: str, folder: Path) -> Iterator[str]:
    parts = PurePosixPath(key).parts
    yield f"asset.{parts[-1].removesuffix('.zip')}"
    yield f"asset.{parts[-1]}"
    yield from _manifested(key, folder)
    if ".." not in parts:
        yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _manifested(key: str, folder: Path) -> Iterator[str]:
    for manifest in sorted(folder.glob("*.assets.json")):
        try:
            files = orjson.loads(manifest.read_bytes())["files"]
            for entry in files.values():
                if any(place["objectKey"] == key for place in entry["destinations"].values()):
                    yield entry["source"]["path"]
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            # Not CDK's: then it says nothing about the key.
            continue
