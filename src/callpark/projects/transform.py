"""SAM → CloudFormation, through AWS's own translator, without AWS. `load.py` calls `transform` for every template.

Importing the translator takes most of a second, so translations are cached and it is imported only for a new one. It
wants code in S3, so paths of local code are put aside before and put back after: a function's `Code` is then a text,
the path as written. IAM roles and policies that it makes are real CloudFormation, which nothing here enforces.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy.html
"""

import copy
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callpark.kernel.errors import ProjectError
from callpark.projects.cache import keep, recall
from callpark.projects.document import Value
from callpark.projects.template import Template

SERVERLESS = "AWS::Serverless-2016-10-31"
_HARMLESS = frozenset({SERVERLESS, "AWS::LanguageExtensions"})
_BUCKET = "callpark-local"
_CODE_PROPERTIES: Mapping[str, str] = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
_UNTRANSLATED = frozenset({"AWS::Serverless::Application"})
"""The translator would ask the Serverless Application Repository about these; they stay as they are."""

_Mapping: TypeAlias = "dict[str, Value]"


@dataclass(frozen=True, slots=True)
class Transformed:
    """CloudFormation proper. `made` are the logical ids that the translator added."""

    values: dict[str, Value]
    made: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


def transform(template: Template, values: dict[str, Value], parameters: Mapping[str, str], region: str) -> Transformed:
    """Raises ProjectError with every problem that the translator names."""
    names = _names(values.get("Transform"))
    warnings = tuple(
        f"{template.where(('Transform',))}: the transform {name} is not run" for name in names if name not in _HARMLESS
    )
    resources = values.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise ProjectError(f"{template.name}: there is no resource in it", "declare at least one under Resources")
    for logical_id, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise ProjectError(
                f"{template.where(('Resources', logical_id))}: Resources.{logical_id}: is not a resource",
                "give it a Type and Properties; look at the indentation",
            )
    if SERVERLESS not in names:
        _refuse_serverless(template, resources)
        return Transformed(values, warnings=warnings)
    translated, made = _translate(template, values, parameters, region)
    return Transformed(translated, made, warnings)


def _names(declared: Value) -> list[str]:
    entries = declared if isinstance(declared, list) else [declared]
    names = (entry.get("Name") if isinstance(entry, dict) else entry for entry in entries)
    return [name for name in names if isinstance(name, str)]


def _refuse_serverless(template: Template, resources: _Mapping) -> None:
    for logical_id, resource in resources.items():
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if isinstance(kind, str) and kind.startswith("AWS::Serverless::"):
            raise ProjectError(
                f"{template.where(('Resources', logical_id))}: Resources.{logical_id}: {kind} needs SAM's transform",
                f"add `Transform: {SERVERLESS}` at the top of {template.name}",
            )


def _translate(
    template: Template, values: _Mapping, parameters: Mapping[str, str], region: str
) -> tuple[_Mapping, frozenset[str]]:
    source = copy.deepcopy(values)
    resources = source["Resources"]
    assert isinstance(resources, dict)
    before = tuple(resources)
    kept = {key: resources.pop(key) for key in list(resources) if _type(resources[key]) in _UNTRANSLATED}
    paths = _put_aside(source)
    translated = _cached(template, source, dict(parameters), region) if resources else source
    after = translated["Resources"]
    assert isinstance(after, dict)
    after.update(kept)
    _put_back(after.values(), paths)
    translated.pop("Transform", None)
    # The translator takes what it translates out and appends it; a project is served in the order it was written in.
    translated["Resources"] = {key: after[key] for key in (*before, *after) if key in after}
    return translated, frozenset(after) - frozenset(before)


def _type(resource: Value) -> str:
    kind = resource.get("Type") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) else ""


def _put_aside(source: _Mapping) -> Sequence[str]:
    """Replace paths of local code by S3 addresses that count them; returns the paths."""
    paths: list[str] = []
    for holder, name in _code_holders(source):
        location = holder.get(name)
        if isinstance(location, str) and not location.startswith(("s3://", "http://", "https://")):
            holder[name] = f"s3://{_BUCKET}/{len(paths)}"
            paths.append(location)
    return paths


def _code_holders(source: _Mapping) -> Iterator[tuple[_Mapping, str]]:
    for section, prefix in (("Globals", "AWS::Serverless::"), ("Resources", "")):
        entries = source.get(section)
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            if section == "Resources":
                name, holder = _CODE_PROPERTIES.get(_type(entry)), _properties(entry)
            else:
                name, holder = _CODE_PROPERTIES.get(prefix + key), entry
            if name is not None and isinstance(holder, dict):
                yield holder, name


def _properties(resource: Value) -> Value:
    return resource.get("Properties") if isinstance(resource, dict) else None


def _put_back(resources: Iterable[Value], paths: Sequence[str]) -> None:
    for resource in resources:
        properties = _properties(resource)
        for name in ("Code", "Content"):
            code = properties.get(name) if isinstance(properties, dict) else None
            if isinstance(properties, dict) and isinstance(code, dict) and code.get("S3Bucket") == _BUCKET:
                key = code.get("S3Key")
                if isinstance(key, str) and key.isdigit() and int(key) < len(paths):
                    properties[name] = paths[int(key)]


@dataclass(frozen=True, slots=True)
class _Session:
    """All that the translator asks of a boto3 session."""

    region_name: str


class _ManagedPolicies(dict[str, str]):
    """Every managed policy exists: IAM is not enforced."""

    def __missing__(self, name: str) -> str:
        return f"arn:aws:iam::aws:policy/{name}"

    def get(self, name: str, default: object = None) -> str:
        return self[name]

    def __contains__(self, name: object) -> bool:
        return True


def _cached(template: Template, source: _Mapping, parameters: dict[str, str], region: str) -> _Mapping:
    """The translation, from the cache where there is one: it takes most of a second, a reading a millisecond."""
    version = importlib.metadata.version("aws-sam-translator")
    question = json.dumps([version, region, parameters, source])
    digest = hashlib.sha256(question.encode()).hexdigest()
    known = recall("sam", digest)
    if known is not None and isinstance(known.get("Resources"), dict):
        return known
    translated = _run(template, source, parameters, region)
    keep("sam", digest, translated)
    return translated


def _run(template: Template, source: _Mapping, parameters: dict[str, str], region: str) -> _Mapping:
    from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    policies = _ManagedPolicies()
    translator = Translator(policies, Parser(), boto_session=_Session(region))
    try:
        translated: _Mapping = translator.translate(
            source, parameters, passthrough_metadata=True, get_managed_policy_map=lambda: policies
        )
    except InvalidDocumentException as error:
        raise _refusal(template, [cause.message for cause in error.causes]) from None
    except ExceptionWithMessage as error:
        raise _refusal(template, [error.message]) from None
    except Exception as error:  # the translator stumbles over some malformed templates instead of naming what is wrong
        raise ProjectError(
            f"{template.name}: the SAM translator cannot read the template: {type(error).__name__}: {error}",
            "`sam validate --lint` may say more; compare the resource with the SAM specification",
        ) from error
    finally:
        translator.metrics.publish()  # to nobody; unpublished ones are complained about
    return translated


def _refusal(template: Template, messages: Sequence[str]) -> ProjectError:
    problems = "; ".join(_placed(template, message) for message in messages)
    return ProjectError(f"{template.name}: SAM refuses the template: {problems}", "correct what is named there")


def _placed(template: Template, message: str) -> str:
    """The translator's message with the line of the resource it names as `id [Logical] `."""
    _, found, rest = message.partition("Resource with id [")
    logical_id = rest.partition("]")[0]
    if not found or ("Resources", logical_id) not in template.document.lines:
        return message
    return f"{template.where(('Resources', logical_id))}: {message}"
