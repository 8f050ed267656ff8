"""Function URLs: addresses at which a function answers HTTP. Reached as `Functions.urls`; called by `api/urls.py` for
their configuration and by `api/web.py` for each request.

callpark's addresses are `http://127.0.0.1:4566/_urls/<id>/`, which every client can resolve; a request to the host
`<id>.lambda-url.<region>.…` means the same. https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from callpark.functions import names, refusals
from callpark.functions.model import Function, FunctionUrl, UrlDefinition
from callpark.functions.registrar import Registrar
from callpark.kernel.errors import CallerError

PATH_PREFIX = "/_urls/"
_GONE = "The resource you requested does not exist."
_QUALIFIER = r"(^\$LATEST$)|((?!^[0-9]+$)([a-zA-Z0-9-_]+))"


@dataclass(frozen=True, slots=True)
class Addressed:
    """A function URL and what it invokes: `qualifier` is an alias, or None."""

    function: str
    qualifier: str | None
    url: FunctionUrl


class Urls:
    """`base_url` is where the server answers."""

    def __init__(self, registrar: Registrar, base_url: str) -> None:
        self._registrar = registrar
        self._catalogue = registrar.catalogue
        self._base_url = base_url

    def address(self, url: FunctionUrl) -> str:
        return f"{self._base_url}{PATH_PREFIX}{url.url_id}/"

    async def create(self, function: str, qualifier: str | None, asked: UrlDefinition) -> FunctionUrl:
        """Raises CallerError."""
        name, key, arn = self._target(function, qualifier)
        now = self._registrar.clock.now()
        made = FunctionUrl(self._registrar.ids.hex(32), asked.auth_type, asked.invoke_mode, now, now, asked.cors)

        def change(current: Function) -> Function:
            if key in current.urls:
                raise refusals.conflict(
                    f"Failed to create function url config for [functionArn = {arn}]. "
                    "Error message:  FunctionUrlConfig exists for this Lambda function"
                )
            return replace(current, urls={**current.urls, key: made})

        await self._registrar.change(name, change)
        return made

    async def update(self, function: str, qualifier: str | None, asked: UrlDefinition) -> FunctionUrl:
        """Replace what a URL is configured to. Raises CallerError."""
        name, key, _ = self._target(function, qualifier)
        now = self._registrar.clock.now()

        def change(current: Function) -> Function:
            before = _found(current, key)
            made = FunctionUrl(before.url_id, asked.auth_type, asked.invoke_mode, before.created, now, asked.cors)
            return replace(current, urls={**current.urls, key: made})

        return (await self._registrar.change(name, change)).urls[key]

    def get(self, function: str, qualifier: str | None) -> FunctionUrl:
        """Raises CallerError."""
        name, key, _ = self._target(function, qualifier)
        return _found(self._catalogue.find(name)[0], key)

    async def delete(self, function: str, qualifier: str | None) -> None:
        """Raises CallerError."""
        name, key, _ = self._target(function, qualifier)

        def change(current: Function) -> Function:
            _found(current, key)
            return replace(current, urls={other: url for other, url in current.urls.items() if other != key})

        await self._registrar.change(name, change)

    def addresses(self) -> dict[str, str]:
        """Every function URL by `Name` or `Name:alias`."""
        return {
            function.configuration.name + ("" if key == names.LATEST else f":{key}"): self.address(url)
            for function in self._catalogue
            for key, url in function.urls.items()
        }

    def all_of(self, function: str) -> Sequence[tuple[str, FunctionUrl]]:
        """(ARN, URL), the unqualified first. Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        arn = self._catalogue.arn(found.configuration.name)
        return [
            (arn if key == names.LATEST else f"{arn}:{key}", found.urls[key])
            for key in sorted(found.urls, key=lambda key: (key != names.LATEST, key))
        ]

    def find(self, url_id: str) -> Addressed | None:
        """What an address invokes."""
        for function in self._catalogue:
            for key, url in function.urls.items():
                if url.url_id == url_id:
                    return Addressed(function.configuration.name, None if key == names.LATEST else key, url)
        return None

    def arn(self, function: str, qualifier: str | None) -> str:
        """The ARN that a URL's configuration shows. Raises CallerError."""
        return self._target(function, qualifier)[2]

    def _target(self, function: str, qualifier: str | None) -> tuple[str, str, str]:
        """Function name, key of the URL, ARN of what it invokes. Raises CallerError."""
        asked = names.parse(function, qualifier, self._registrar.place).qualifier
        if asked is not None and asked.isdigit():
            rule = f"satisfy regular expression pattern: {_QUALIFIER}"
            raise refusals.validation([refusals.constraint(asked, "qualifier", rule)])
        try:
            found, reference = self._catalogue.find(function, qualifier)
        except CallerError as refusal:
            if refusal.status == 404 and refusal.message.startswith("Function not found"):
                raise refusals.not_found("Function does not exist") from None
            raise
        name = found.configuration.name
        arn = self._catalogue.arn(name)
        key = reference.qualifier or names.LATEST
        return name, key, arn if key == names.LATEST else f"{arn}:{key}"


def _found(function: Function, key: str) -> FunctionUrl:
    url = function.urls.get(key)
    if url is None:
        raise refusals.not_found(_GONE)
    return url


def url_id_of(host: str) -> str | None:
    """The id in the host name `<id>.lambda-url.<region>.…`, if it is one."""
    found = _HOST.match(host)
    return found[1] if found is not None else None


_HOST = re.compile(r"([a-z0-9]+)\.lambda-url\.[a-z0-9-]+\.", re.ASCII)
