"""Nested stacks → one template: the resources of an `AWS::CloudFormation::Stack` whose template lies beside this one.

`load.py` calls `flatten` before the SAM transform. That is what CDK's NestedStack and Amplify Gen 2 write into
`cdk.out`. A nested resource is named after its stack and itself; parameters become what the parent gives, outputs what
they say. A stack whose template is not there stays as it is, and is warned of like any other type that is not served.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ProjectLimits
from callpark.projects.document import Value
from callpark.projects.intrinsics import function_of, split_attribute
from callpark.projects.resources.assets import asset, object_key
from callpark.projects.template import Template, existing, read

STACK = "AWS::CloudFormation::Stack"
_MOST_STACKS = 500
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: resources of a template"""
_ARN = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}"
_TEMPLATE = re.compile(r".+\.(json|yaml|yml|template)")
_VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Flattened:
    """`files` are the nested templates that were taken in."""

    values: dict[str, Value]
    files: tuple[Path, ...] = ()


def flatten(template: Template, values: dict[str, Value], limits: ProjectLimits) -> Flattened:
    """Raises ProjectError for a nested template that cannot be read, nests itself, or lacks a parameter."""
    if not any(_is_stack(resource) for resource in _section(values, "Resources").values()):
        return Flattened(values)
    nesting = _Nesting(template.folder, limits)
    flat = nesting.flat(values, (template.path,))
    return Flattened(flat, tuple(dict.fromkeys(nesting.files)))


@dataclass(slots=True)
class _Nesting:
    folder: Path
    limits: ProjectLimits
    files: list[Path] = field(default_factory=list)

    def flat(self, values: dict[str, Value], chain: tuple[Path, ...]) -> dict[str, Value]:
        """The values without their nested stacks. `chain` are the templates that lead here."""
        merged = {name: dict(_section(values, name)) for name in ("Resources", "Conditions", "Mappings")}
        outputs: dict[str, Mapping[str, Value]] = {}
        transforms: list[Value] = [values.get("Transform")]
        for stack_id, resource in _section(values, "Resources").items():
            path = _template_of(resource, self.folder)
            if path is None or not isinstance(resource, dict):
                continue
            if path in chain or len(self.files) >= _MOST_STACKS:
                raise ProjectError(f"{path.name} is nested in itself, or too often", f"look at its {STACK}")
            self.files.append(path)
            inner = self.flat(dict(read(path, self.limits).document.values), (*chain, path))
            transforms.append(inner.get("Transform"))
            moved = _moved(inner, stack_id, resource, frozenset(merged["Resources"]), path)
            del merged["Resources"][stack_id]
            for name, section in moved.sections.items():
                merged[name] |= section
            outputs[stack_id] = moved.outputs
        said = _Outputs(outputs)
        whole = {**values, **{name: section for name, section in merged.items() if section}}
        transform = next((each for each in transforms if each is not None), None)
        if transform is not None:
            whole["Transform"] = transform
        return {name: said.section(section) for name, section in whole.items()}


@dataclass(frozen=True, slots=True)
class _Moved:
    """A nested template in the names of its parent."""

    sections: Mapping[str, dict[str, Value]]
    outputs: Mapping[str, Value]


def _moved(
    inner: Mapping[str, Value], stack_id: str, stack: Mapping[str, Value], taken: frozenset[str], path: Path
) -> _Moved:
    names = _Names(
        resources={each: _free(f"{stack_id}{each}", taken) for each in _section(inner, "Resources")},
        conditions={each: f"{stack_id}{each}" for each in _section(inner, "Conditions")},
        mappings={each: f"{stack_id}{each}" for each in _section(inner, "Mappings")},
        parameters=_parameters(inner, stack, path),
    )
    conditions = {names.conditions[name]: names.rewrite(value) for name, value in _section(inner, "Conditions").items()}
    resources: dict[str, Value] = {}
    for logical_id, resource in _section(inner, "Resources").items():
        moved = names.resource(resource)
        _condition(moved, stack.get("Condition"), conditions)
        resources[names.resources[logical_id]] = moved
    outputs = {
        name: names.rewrite(output.get("Value"))
        for name, output in _section(inner, "Outputs").items()
        if isinstance(output, dict)
    }
    mappings = {names.mappings[name]: value for name, value in _section(inner, "Mappings").items()}
    return _Moved({"Resources": resources, "Conditions": conditions, "Mappings": mappings}, outputs)


def _condition(resource: Value, outer: Value, conditions: dict[str, Value]) -> None:
    """A nested resource is there when its own condition and that of its stack hold."""
    if not isinstance(resource, dict) or not isinstance(outer, str):
        return
    own = resource.get("Condition")
    resource["Condition"] = outer
    if isinstance(own, str):
        both = f"{outer}And{own}"
        conditions[both] = {"Fn::And": [{"Condition": outer}, {"Condition": own}]}
        resource["Condition"] = both


def _parameters(inner: Mapping[str, Value], stack: Mapping[str, Value], path: Path) -> dict[str, Value]:
    """What each parameter stands for, in the parent's words."""
    properties = stack.get("Properties")
    given = properties.get("Parameters") if isinstance(properties, dict) else None
    said = given if isinstance(given, dict) else {}
    found: dict[str, Value] = {}
    for name, declared in _section(inner, "Parameters").items():
        declaration = declared if isinstance(declared, dict) else {}
        if name not in said and "Default" not in declaration:
            raise ProjectError(
                f"{path.name}: the parameter {name} has no value", "give it one where the stack is nested"
            )
        value = said[name] if name in said else declaration["Default"]
        kind = str(declaration.get("Type"))
        if kind.startswith(("List<", "CommaDelimitedList")):
            value = (
                [each.strip() for each in value.split(",")] if isinstance(value, str) else {"Fn::Split": [",", value]}
            )
        found[name] = value
    return found


@dataclass(frozen=True, slots=True)
class _Names:
    """What a nested template calls its own → what the parent calls it."""

    resources: Mapping[str, str]
    conditions: Mapping[str, str]
    mappings: Mapping[str, str]
    parameters: Mapping[str, Value]

    def resource(self, resource: Value) -> Value:
        if not isinstance(resource, dict):
            return resource
        moved = {
            name: self.rewrite(value) for name, value in resource.items() if name not in ("DependsOn", "Condition")
        }
        needed = resource.get("DependsOn")
        if needed is not None:
            each = needed if isinstance(needed, list) else [needed]
            moved["DependsOn"] = [self.resources.get(str(name), str(name)) for name in each]
        condition = resource.get("Condition")
        if isinstance(condition, str):
            moved["Condition"] = self.conditions.get(condition, condition)
        return moved

    def rewrite(self, value: Value) -> Value:
        if isinstance(value, list):
            return [self.rewrite(item) for item in value]
        if not isinstance(value, dict):
            return value
        function = function_of(value) or next(iter(value), None) if len(value) == 1 else None
        argument = None if function is None else value[function]
        match function, argument:
            case "Ref", str(name) if name in self.parameters:
                return self.parameters[name]
            case "Ref", str(name):
                return {"Ref": self.resources.get(name, name)}
            case "Condition", str(name) if name in self.conditions:
                return {"Condition": self.conditions[name]}
            case "Fn::GetAtt", _:
                return self._attribute(argument)
            case "Fn::Sub", _:
                return self._text(argument)
            case "Fn::If", [str(name), *rest]:
                return {"Fn::If": [self.conditions.get(name, name), *[self.rewrite(each) for each in rest]]}
            case "Fn::FindInMap", [str(name), *rest]:
                return {"Fn::FindInMap": [self.mappings.get(name, name), *[self.rewrite(each) for each in rest]]}
        return {key: self.rewrite(item) for key, item in value.items()}

    def _attribute(self, argument: Value) -> Value:
        split = split_attribute(argument)
        if split is None:
            return {"Fn::GetAtt": self.rewrite(argument)}
        name, attribute = split
        return {"Fn::GetAtt": [self.resources.get(name, name), self.rewrite(attribute)]}

    def _text(self, argument: Value) -> Value:
        text, own = _substitution(argument)
        added: dict[str, Value] = {}

        def renamed(found: re.Match[str]) -> str:
            name, dot, rest = found[1].partition(".")
            if found[1] in own:
                return found[0]
            if name in self.parameters and not dot:
                added[name] = self.parameters[name]
            return f"${{{self.resources.get(name, name)}{dot}{rest}}}"

        text = _VARIABLE.sub(renamed, text)
        return _sub(text, {**{name: self.rewrite(value) for name, value in own.items()}, **added})


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What stands where the parent says `Fn::GetAtt: [Stack, Outputs.Name]`."""

    outputs: Mapping[str, Mapping[str, Value]]

    def section(self, section: Value) -> Value:
        return self._rewrite(section, ())

    def _rewrite(self, value: Value, asked: tuple[tuple[str, str], ...]) -> Value:
        if isinstance(value, list):
            return [self._rewrite(item, asked) for item in value]
        if not isinstance(value, dict):
            return value
        function = function_of(value)
        stack_id = value["Ref"] if function == "Ref" else None
        if isinstance(stack_id, str) and stack_id in self.outputs:
            return {"Fn::Sub": f"{_ARN}:stack/{stack_id}"}
        if function == "Fn::GetAtt":
            split = split_attribute(value[function])
            if split is not None and split[0] in self.outputs and isinstance(split[1], str):
                return self._output(split[0], split[1], asked)
        if function == "Fn::Sub":
            return self._text(value[function], asked)
        rewritten = {key: self._rewrite(item, asked) for key, item in value.items()}
        if "DependsOn" in rewritten and "Type" in rewritten:
            needed = rewritten["DependsOn"]
            each = needed if isinstance(needed, list) else [needed]
            rewritten["DependsOn"] = [name for name in each if name not in self.outputs]
        return rewritten

    def _text(self, argument: Value, asked: tuple[tuple[str, str], ...]) -> Value:
        text, own = _substitution(argument)
        added: dict[str, Value] = {}

        def renamed(found: re.Match[str]) -> str:
            name, dot, rest = found[1].partition(".")
            if found[1] in own or name not in self.outputs or not dot:
                return found[0]
            variable = f"{name}{re.sub('[^A-Za-z0-9]', '', rest)}"
            added[variable] = self._output(name, rest, asked)
            return f"${{{variable}}}"

        text = _VARIABLE.sub(renamed, text)
        return _sub(text, {**{name: self._rewrite(value, asked) for name, value in own.items()}, **added})

    def _output(self, stack_id: str, attribute: str, asked: tuple[tuple[str, str], ...]) -> Value:
        name = attribute.removeprefix("Outputs.")
        if name not in self.outputs[stack_id]:
            known = ", ".join(self.outputs[stack_id]) or "none"
            raise ProjectError(f"the nested stack {stack_id} has no output {name}", f"its outputs are: {known}")
        if (stack_id, name) in asked:
            raise ProjectError(f"the outputs of the nested stack {stack_id} depend on each other", "break the circle")
        return self._rewrite(self.outputs[stack_id][name], (*asked, (stack_id, name)))


def _is_stack(resource: Value) -> bool:
    return isinstance(resource, dict) and resource.get("Type") == STACK


def _template_of(resource: Value, folder: Path) -> Path | None:
    """The nested template, when it lies in the parent's folder: paths in it start there."""
    if not isinstance(resource, dict) or not _is_stack(resource):
        return None
    metadata, properties = resource.get("Metadata"), resource.get("Properties")
    named = metadata.get("aws:asset:path") if isinstance(metadata, dict) else None
    found = existing(folder, named) if isinstance(named, str) else None
    if found is None and isinstance(properties, dict):
        for text in reversed(list(_texts(properties.get("TemplateURL")))):
            key = object_key(text) or (text.strip("/") if _TEMPLATE.fullmatch(text) else None)
            found = None if key is None else asset(key, folder) or asset(key.rpartition("/")[2], folder)
            if found is not None:
                break
    return found if found is not None and found.is_file() and found.parent == folder.resolve() else None


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _section(values: Mapping[str, Value], name: str) -> Mapping[str, Value]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _substitution(argument: Value) -> tuple[str, Mapping[str, Value]]:
    """Text and variables of a Fn::Sub."""
    match argument:
        case [str(text), dict(own)]:
            return text, own
        case str(text):
            return text, {}
    return str(argument), {}


def _sub(text: str, variables: Mapping[str, Value]) -> Value:
    return {"Fn::Sub": [text, dict(variables)] if variables else text}


def _free(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name += "0"
    return name
