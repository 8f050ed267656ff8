"""Operations compiled into closures: the executor of the slice.

`compile_plan` is called once per (document, operation, access, values of the @skip/@include variables) and
its Plan runs as often as the document is asked. It stays synchronous as long as no resolver returns a coroutine. Values
are completed in `completion.py`, introspection is graphql-core's own.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import CoroutineType
from typing import TypeAlias, cast

from callpark.graphql.arguments import Arguments, field_arguments
from callpark.graphql.auth.access import Access, Default
from callpark.graphql.completion import (
    Completer,
    LeafField,
    LeafPosition,
    RunField,
    abstract_of,
    exact_class,
    leaf,
    leaf_position,
    list_of,
    non_null,
    nullable,
    object_of,
)
from callpark.graphql.execution import Execution, FieldCall, FieldSite, Resolver, internal_failure
from callpark.graphql.failures import FieldFailure, NullBubble, Path, not_authorized
from callpark.graphql.publications import Shape, published_shape
from callpark.graphql.schema import ApiSchema
from callpark.graphql.selection import Fragments, Selector, Switches
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    get_named_type,
)

Serializer: TypeAlias = Callable[[GraphQLLeafType], Callable[[object], object]]
Start: TypeAlias = Callable[[Execution, Mapping[str, object]], object]


def _own_serializer(named: GraphQLLeafType) -> Callable[[object], object]:
    return cast(Callable[[object], object], named.serialize)


class PlanTooLarge(Exception):
    """An operation selects more fields than a plan may hold."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What plans of one API have in common. `serializer` gives the function that serialises a leaf type's values;
    fields below `depth_limit` levels fail (0: no limit)."""

    schema: ApiSchema
    resolvers: Mapping[tuple[str, str], Resolver]
    default: Default
    fields_at_most: int
    serializer: Serializer = field(default=_own_serializer)
    depth_limit: int = 0
    introspection: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation. `start(execution, root value)` returns the response's data, or a coroutine of it; errors
    are the execution's. `fields` says how large it is, fragments expanded."""

    operation: OperationType
    start: Start
    fields: int


def compile_plan(
    settings: PlanSettings,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    fragments: Fragments,
    access: Access,
    switches: Switches,
) -> Plan:
    """The plan of one valid query or mutation. Raises PlanTooLarge."""
    schema = settings.schema.graphql
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validated documents name root types that exist"
    compiler = _Compiler(settings, Selector(schema, fragments, switches), document, operation, access)
    mutation = operation.operation is OperationType.MUTATION
    start = (compiler.serial_root if mutation else compiler.parallel_root)(root, operation.selection_set)
    return Plan(operation.operation, start, compiler.fields)


@dataclass(frozen=True, slots=True)
class _SerialStep:
    key: str
    run: RunField
    field_name: str
    shape: Shape | None


class _Compiler:
    def __init__(
        self,
        settings: PlanSettings,
        selector: Selector,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        access: Access,
    ) -> None:
        self._settings = settings
        self._schema: GraphQLSchema = settings.schema.graphql
        self._selector = selector
        self._document = document
        self._operation = operation
        self._access = access
        self._fields_left = settings.fields_at_most
        self._depth = 0

    @property
    def fields(self) -> int:
        """Compiled so far."""
        return self._settings.fields_at_most - self._fields_left

    def parallel_root(self, root: GraphQLObjectType, selection: SelectionSetNode) -> Start:
        complete = self._object(root, [selection])
        run = complete.run

        def start(execution: Execution, source: Mapping[str, object]) -> object:
            try:
                return run(execution, source, None)
            except NullBubble:
                return None

        async def absorb(waiting: Coroutine[object, object, object]) -> object:
            try:
                return await waiting
            except NullBubble:
                return None

        def start_waiting(execution: Execution, source: Mapping[str, object]) -> object:
            done = start(execution, source)
            return absorb(done) if isinstance(done, CoroutineType) else done

        return start_waiting if complete.waits else start

    def serial_root(self, root: GraphQLObjectType, selection: SelectionSetNode) -> Start:
        """Mutation fields one after the other; each that succeeds is published before the next begins."""
        steps: list[_SerialStep] = []
        self._depth = 1
        for key, nodes in self._selector.fields(root, [selection]).items():
            name = nodes[0].name.value
            run, _ = self._field(root, key, nodes)
            shape = None
            if name in self._settings.schema.published:
                sets = [node.selection_set for node in nodes if node.selection_set]
                shape = published_shape(self._schema, self._selector, root.fields[name].type, sets)
            steps.append(_SerialStep(key, run, name, shape))

        def start(execution: Execution, source: Mapping[str, object]) -> object:
            out: dict[str, object] = {}
            bubbled = False
            for index, step in enumerate(steps):
                try:
                    done = step.run(execution, source, None)
                except NullBubble:
                    bubbled = True
                    continue
                if isinstance(done, CoroutineType):
                    return proceed(execution, source, out, index, done, bubbled)
                out[step.key] = done
                publish(execution, step, done)
            return None if bubbled else out

        async def proceed(
            execution: Execution,
            source: Mapping[str, object],
            out: dict[str, object],
            reached: int,
            waiting: Coroutine[object, object, object],
            bubbled: bool,
        ) -> object:
            for step in steps[reached:]:
                try:
                    done = waiting if step is steps[reached] else step.run(execution, source, None)
                    out[step.key] = done = await done if isinstance(done, CoroutineType) else done
                except NullBubble:
                    bubbled = True
                    continue
                publish(execution, step, done)
            return None if bubbled else out

        def publish(execution: Execution, step: _SerialStep, value: object) -> None:
            if step.shape is not None and value is not None:
                execution.publish(step.field_name, step.shape(value))

        return start

    def _object(self, parent: GraphQLObjectType, sets: list[SelectionSetNode]) -> Completer:
        template: dict[str, object] = {}
        leaves: list[LeafField] = []
        others: list[tuple[str, RunField]] = []
        waits = False
        self._depth += 1
        for key, nodes in self._selector.fields(parent, sets).items():
            name = nodes[0].name.value
            template[key] = None
            if name == "__typename":
                template[key] = parent.name
                continue
            plain = self._leaf_field(parent, key, nodes)
            if plain is not None:
                leaves.append(plain)
                continue
            run, field_waits = self._field(parent, key, nodes)
            others.append((key, run))
            waits = waits or field_waits
        self._depth -= 1
        return object_of(template, leaves, others, waits)

    def _leaf_field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> LeafField | None:
        """The field as a plain leaf, if it is one: no resolver, permitted, scalar or enum."""
        name = nodes[0].name.value
        definition = parent.fields.get(name)
        if self._too_deep():
            return None
        if definition is None or (parent.name, name) in self._settings.resolvers or not self._permitted(parent, name):
            return None
        output = definition.type
        named = output.of_type if isinstance(output, GraphQLNonNull) else output
        if not isinstance(named, GraphQLScalarType | GraphQLEnumType):
            return None
        self._count()
        site = FieldSite(parent.name, nodes, self._selector, named.name)
        return LeafField(key, name, exact_class(named), self._leaf_position(named, named is not output, site))

    def _leaf_position(self, named: GraphQLLeafType, required: bool, site: FieldSite) -> LeafPosition:
        return leaf_position(named.name, self._settings.serializer(named), required, site)

    def _field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> tuple[RunField, bool]:
        """How to run a field, and whether it may wait."""
        self._count()
        name = nodes[0].name.value
        if name == "__typename":
            return (lambda execution, source, path: parent.name), False
        if name in ("__schema", "__type"):
            return self._introspection(nodes, FieldSite(parent.name, nodes, self._selector, "")), False
        definition = parent.fields[name]
        site = FieldSite(parent.name, nodes, self._selector, get_named_type(definition.type).name)
        if not self._permitted(parent, name):
            return _refused(not_authorized(parent.name, name), key, definition, site), False
        if self._too_deep():
            return _refused(_TOO_DEEP, key, definition, site), False
        position = self._position(definition.type, nodes, site)
        resolver = self._settings.resolvers.get((parent.name, name))
        if resolver is None:
            complete = position.run

            def read(execution: Execution, source: object, path: Path) -> object:
                return complete(execution, cast(dict[str, object], source).get(name), (path, key))

            return read, position.waits
        return _resolved(key, resolver, field_arguments(definition, nodes[0]), position, site, definition), True

    def _position(self, output: GraphQLOutputType, nodes: list[FieldNode], site: FieldSite) -> Completer:
        if isinstance(output, GraphQLNonNull):
            return non_null(self._strict(output.of_type, nodes, site), site, str(output.of_type))
        return nullable(self._strict(output, nodes, site), site)

    def _strict(self, output: GraphQLOutputType, nodes: list[FieldNode], site: FieldSite) -> Completer:
        if isinstance(output, GraphQLList):
            return list_of(self._position(output.of_type, nodes, site))
        if isinstance(output, GraphQLScalarType | GraphQLEnumType):
            return leaf(self._settings.serializer(output), output.name)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if isinstance(output, GraphQLObjectType):
            return self._object(output, sets)
        assert isinstance(output, GraphQLInterfaceType | GraphQLUnionType)
        by_name = {each.name: self._object(each, sets) for each in self._schema.get_possible_types(output)}
        runs = {name: each.run for name, each in by_name.items()}
        return abstract_of(runs.get, any(each.waits for each in by_name.values()), output.name)

    def _permitted(self, parent: GraphQLObjectType, name: str) -> bool:
        return self._settings.schema.rules.permits(self._access, self._settings.default, parent.name, name)

    def _too_deep(self) -> bool:
        return 0 < self._settings.depth_limit < self._depth

    def _introspection(self, nodes: list[FieldNode], site: FieldSite) -> RunField:
        """`__schema` and `__type` through graphql-core's executor: rare, and better left to the reference."""
        key = nodes[0].alias.value if nodes[0].alias else nodes[0].name.value
        fragments = [node for node in self._document.definitions if not isinstance(node, OperationDefinitionNode)]
        asked = OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=None,
            variable_definitions=(),
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(nodes)),
        )
        asked.variable_definitions = self._operation.variable_definitions
        document = DocumentNode(definitions=(asked, *fragments))

        def introspect(execution: Execution, source: object, path: Path) -> object:
            raw = dict(execution.request.variables)
            result = execute_sync(self._schema, document, variable_values=raw)
            for error in result.errors or ():
                execution.record(FieldFailure(error.message), (path, key), site)
            return (result.data or {}).get(key)

        return introspect

    def _count(self) -> None:
        self._fields_left -= 1
        if self._fields_left < 0:
            raise PlanTooLarge


_TOO_DEEP = FieldFailure("Query depth limit exceeded.", "QueryDepthLimitReached")


def _refused(failure: FieldFailure, key: str, definition: GraphQLField, site: FieldSite) -> RunField:
    """A field that always fails, whatever its resolver would say."""
    required = isinstance(definition.type, GraphQLNonNull)

    def refuse(execution: Execution, source: object, path: Path) -> object:
        execution.record(failure, (path, key), site)
        if required:
            raise NullBubble
        return None

    return refuse


def _resolved(
    key: str, resolver: Resolver, arguments: Arguments, position: Completer, site: FieldSite, definition: GraphQLField
) -> RunField:
    complete = position.run
    required = isinstance(definition.type, GraphQLNonNull)

    def failed(execution: Execution, failure: FieldFailure, path: Path) -> object:
        execution.record(failure, path, site)
        if required:
            raise NullBubble
        return None

    def run(execution: Execution, source: object, path: Path) -> object:
        here = (path, key)
        try:
            execution.note_resolver()
            raw = resolver(FieldCall(site, execution, source, arguments(execution), here))
        except FieldFailure as failure:
            return failed(execution, failure, here)
        except GraphQLError as error:
            return failed(execution, FieldFailure(error.message), here)
        except Exception as error:
            return failed(execution, internal_failure(error, site), here)
        if isinstance(raw, CoroutineType):
            return later(execution, raw, here)
        return complete(execution, raw, here)

    async def later(execution: Execution, waiting: Coroutine[object, object, object], here: Path) -> object:
        try:
            raw = await waiting
        except FieldFailure as failure:
            return failed(execution, failure, here)
        except Exception as error:
            return failed(execution, internal_failure(error, site), here)
        done = complete(execution, raw, here)
        return await done if isinstance(done, CoroutineType) else done

    return run
