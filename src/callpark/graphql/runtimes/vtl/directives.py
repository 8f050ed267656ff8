"""Nodes of the syntax tree → closures that print. Called by `host.py`."""

from callpark.graphql.runtimes.vtl.compiler import (
    Block,
    CompiledMacro,
    Compiling,
    Evaluate,
    Render,
    evaluated,
    referenced,
    with_depth,
)
from callpark.graphql.runtimes.vtl.failures import Break, Halt, Stop, TemplateFailure
from callpark.graphql.runtimes.vtl.loops import LoopScope, looped
from callpark.graphql.runtimes.vtl.members.table import assign
from callpark.graphql.runtimes.vtl.operators import truth
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.syntax import (
    Assignment,
    Conditional,
    Definition,
    Index,
    Leave,
    Loop,
    Macro,
    MacroCall,
    Node,
    Output,
    Property,
    Reference,
    Return,
    Text,
)


def nodes(to: Compiling, body: tuple[Node, ...]) -> Render:
    """The closure of a block."""
    closures = tuple(_node(to, each) for each in body if not isinstance(each, Macro))
    if len(closures) == 1:
        return closures[0]

    def render(run: Run) -> None:
        for each in closures:
            each(run)

    return render


def macros(to: Compiling, body: tuple[Node, ...]) -> None:
    """Take in the macros that a template declares, wherever they stand."""
    for each in body:
        match each:
            case Macro(name):
                to.macros.setdefault(name, None)
                macros(to, each.body)
                to.macros[name] = _macro(to, each)
            case Conditional(branches, otherwise):
                for _, inner in branches:
                    macros(to, inner)
                macros(to, otherwise)
            case Loop() | Definition():
                macros(to, each.body)
            case MacroCall(body=inner) if inner is not None:
                macros(to, inner)


def _node(to: Compiling, node: Node) -> Render:
    match node:
        case Text(text):
            return lambda run: run.write(text)
        case Output():
            return _output(to, node)
        case Assignment():
            return _assignment(to, node)
        case Conditional():
            return _conditional(to, node)
        case Loop():
            return _loop(to, node)
        case Leave(word):
            return _leave(word)
        case Return(value):
            return _return(None if value is None else evaluated(to, value))
        case Definition(name, body):
            block = Block(nodes(to, body))
            return lambda run: run.variables.__setitem__(name, block)
        case MacroCall():
            return _macro_call(to, node)
        case Macro():
            return lambda run: None


def _output(to: Compiling, node: Output) -> Render:
    evaluate = referenced(to, node.reference)
    literal = "" if node.reference.quiet else node.reference.source
    if node.backslashes:
        return _escaped(evaluate, node)

    def render(run: Run) -> None:
        value = evaluate(run)
        if value is None:
            run.write(literal)
        else:
            run.write(value if type(value) is str else text_of(run, value))

    return render


def _escaped(evaluate: Evaluate, node: Output) -> Render:
    """After backslashes: an odd one escapes a reference that resolves; before one that does not, all are text."""
    source, count = node.reference.source, node.backslashes

    def render(run: Run) -> None:
        value = evaluate(run)
        if value is None:
            run.write("\\" * count + source)
        elif count % 2:
            run.write("\\" * (count // 2) + source)
        else:
            run.write("\\" * (count // 2) + text_of(run, value))

    return render


def _assignment(to: Compiling, node: Assignment) -> Render:
    value, target = evaluated(to, node.value), node.target
    if not target.accessors:
        name = target.name

        def set_variable(run: Run) -> None:
            run.variables[name] = value(run)

        return set_variable
    to.changes = True
    *path, last = target.accessors
    holder = referenced(to, Reference(target.name, tuple(path), True, target.source, target.place))
    if isinstance(last, Property):
        key: Evaluate = _constant(last.name)
    elif isinstance(last, Index):
        key = evaluated(to, last.key)
    else:
        return _refused("#set needs a variable, a member or an index", target)

    def set_member(run: Run) -> None:
        held, given = holder(run), value(run)
        if held is None or not assign(run, held, key(run), given, target.place):
            line, column = target.place
            run.logs.append(f"WARN - {line}:{column}: #set({target.source} = …) has nothing to set it on")

    return set_member


def _constant(value: object) -> Evaluate:
    return lambda run: value


def _refused(message: str, reference: Reference) -> Render:
    def render(run: Run) -> None:
        raise TemplateFailure(message, reference.place)

    return render


def _conditional(to: Compiling, node: Conditional) -> Render:
    branches = tuple((evaluated(to, condition), nodes(to, body)) for condition, body in node.branches)
    otherwise = nodes(to, node.otherwise)

    def render(run: Run) -> None:
        for condition, body in branches:
            if truth(condition(run)):
                body(run)
                return
        otherwise(run)

    return render


def _loop(to: Compiling, node: Loop) -> Render:
    iterable, body = evaluated(to, node.iterable), nodes(to, node.body)
    names = (node.name, "foreach", "velocityCount", "velocityHasNext")

    def render(run: Run) -> None:
        items = looped(iterable(run))
        if not items:
            return
        if len(items) > run.bounds.loop_iterations:
            raise TemplateFailure(
                f"#foreach over {len(items)} items: at most {run.bounds.loop_iterations} iterations", node.place
            )
        variables = run.variables
        before = [(name, variables.get(name)) for name in names]
        scope = LoopScope(len(items), variables.get("foreach"))
        variables["foreach"] = scope
        run.make(len(items) * 8)
        try:
            for at, each in enumerate(items):
                run.step()
                scope.index = at
                variables[node.name] = each
                variables["velocityCount"] = at + 1
                variables["velocityHasNext"] = at + 1 < scope.size
                body(run)
        except Break:
            pass
        finally:
            variables.update(before)

    return render


def _leave(word: str) -> Render:
    def leave(run: Run) -> None:
        raise Break if word == "break" else Stop

    return leave


def _return(value: Evaluate | None) -> Render:
    def render(run: Run) -> None:
        raise Halt({"kind": "return", "value": None if value is None else value(run), "skipTo": None})

    return render


def _macro(to: Compiling, node: Macro) -> CompiledMacro:
    body = nodes(to, node.body)
    parameters = [(name, None if default is None else evaluated(to, default)) for name, default in node.parameters]
    names = [name for name, _ in parameters] + ["bodyContent"]

    def call(run: Run, given: list[object], content: Render | None) -> None:
        variables = run.variables
        before = [(name, variables.get(name)) for name in names]
        for at, (name, default) in enumerate(parameters):
            variables[name] = given[at] if at < len(given) else default(run) if default is not None else None
        if content is not None:
            variables["bodyContent"] = Block(content)
        try:
            body(run)
        except Break:
            pass
        finally:
            variables.update(before)

    return call


def _macro_call(to: Compiling, node: MacroCall) -> Render:
    arguments = [evaluated(to, each) for each in node.arguments]
    content = None if node.body is None else nodes(to, node.body)
    name = node.name

    def render(run: Run) -> None:
        macro = to.macros.get(name)
        if macro is None:
            raise TemplateFailure(f"there is no macro #{name}", node.place)
        with_depth(run, f"#{name}")
        try:
            macro(run, [each(run) for each in arguments], content)
        finally:
            run.depth -= 1

    return render
