"""A resolver's ES module rewritten as a script that evaluates to a factory. Pure; called by `host.py` at load.

The engine's own modules cannot be called per evaluation, so `import` becomes `const`, `export` falls away, and the
whole becomes a function that is called afresh for each evaluation: no state survives from one request to the next, as
in the service. Line numbers stay as they are in the source, one line down.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from callpark.graphql.runtimes.js.language import CodeError, check_language
from callpark.graphql.runtimes.js.tokens import Lines, Token, Unreadable, tokens

_KNOWN_MODULES = ("@aws-appsync/utils",)
_LATER_MODULES = ("@aws-appsync/utils/dynamodb", "@aws-appsync/utils/rds", "@aws-appsync/utils/ai")


class BrokenCode(Exception):
    """The code cannot be loaded; `errors` say why, at least one."""

    def __init__(self, errors: Sequence[CodeError]) -> None:
        super().__init__(errors[0].value)
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Script:
    """`text` evaluates to a factory `(importModule, importName) → {exported name: value}`."""

    text: str
    exports: frozenset[str]
    warnings: tuple[str, ...]


def to_script(source: str, characters_at_most: int) -> Script:
    """Raises BrokenCode."""
    if len(source) > characters_at_most:
        raise BrokenCode([CodeError("code-size", f"the code has more than {characters_at_most} characters", 1, 1)])
    lines = Lines(source)
    try:
        read = list(tokens(source))
    except Unreadable as error:
        raise BrokenCode([CodeError("syntax", str(error), *lines.place(error.offset))]) from None
    refused = check_language(source, read)
    if refused:
        raise BrokenCode(refused)
    rewriting = _Rewriting(source, read, lines)
    rewriting.run()
    members = ", ".join(f"{_quoted(name)}: {local}" for name, local in rewriting.exports.items())
    text = f'(function (__importModule, __importName) {{ "use strict";\n{rewriting.text()}\nreturn {{ {members} }}; }})'
    return Script(text, frozenset(rewriting.exports), tuple(rewriting.warnings))


class _Rewriting:
    """One pass over the tokens at the top level of the module."""

    def __init__(self, source: str, read: list[Token], lines: Lines) -> None:
        self._source = source
        self._read = read
        self._lines = lines
        self._at = 0
        self._edits: list[tuple[int, int, str]] = []
        self.exports: dict[str, str] = {}
        self.warnings: list[str] = []

    def run(self) -> None:
        depth = 0
        while self._at < len(self._read):
            token = self._read[self._at]
            if token.text in ("{", "(", "[") or token.text.endswith("${"):
                depth += 1
            elif token.text in ("}", ")", "]") or (token.kind == "template" and token.text.startswith("}")):
                depth -= 1
            elif depth == 0 and token.kind == "word" and token.text == "import":
                self._import()
                continue
            elif depth == 0 and token.kind == "word" and token.text == "export":
                self._export()
                continue
            elif token.kind == "word" and token.text == "import" and self._peek(1) in ("(", "."):
                self._refuse(token, "import() is not supported by APPSYNC_JS")
            self._at += 1

    def text(self) -> str:
        out: list[str] = []
        position = 0
        for start, end, replacement in self._edits:
            out += [self._source[position:start], replacement, "\n" * self._source.count("\n", start, end)]
            position = end
        out.append(self._source[position:])
        return "".join(out)

    def _import(self) -> None:
        first = self._next()
        default, names, namespace = None, {}, None
        if self._token().kind == "word" and self._token().text != "from":
            default = self._next()
            if self._peek() == ",":
                self._next()
        if self._peek() == "{":
            names = self._names()
        elif self._peek() == "*":
            self._next()
            self._expect("as")
            namespace = self._next().text
        if default is not None:
            self._refuse(default, "a default import is not supported: name what you import")
        if names or namespace:
            self._expect("from")
        module = self._next()
        name = module.text[1:-1]
        if module.kind != "string":
            self._refuse(module, "import needs the name of a module")
        if name not in _KNOWN_MODULES + _LATER_MODULES:
            self._refuse(module, f"module '{name}' is not available in APPSYNC_JS: bundle it into the code")
        if name in _LATER_MODULES:
            self.warnings.append(f"the module {name} is not built yet: calling it is a field error")
        bound = [f"{local} = __importName({_quoted(name)}, {_quoted(given)})" for given, local in names.items()]
        if namespace:
            bound.append(f"{namespace} = __importModule({_quoted(name)})")
        self._edit(first, f"const {', '.join(bound)};" if bound else ";")

    def _export(self) -> None:
        first = self._next()
        token = self._token()
        if token.text == "{":
            self.exports.update({given: local for local, given in self._names().items()})
            if self._at < len(self._read) and self._peek() == "from":
                self._refuse(self._token(), "re-exports are not supported by APPSYNC_JS")
            self._edit(first, ";")
        elif token.text in ("function", "const", "let", "var"):
            name = self._read[self._at + 1] if self._at + 1 < len(self._read) else token
            if name.kind != "word":
                self._refuse(name, "only named functions and variables can be exported")
            self.exports[name.text] = name.text
            self._edits.append((first.start, first.end, ""))
        else:
            self._refuse(token, f"export {token.text} is not supported by APPSYNC_JS")

    def _names(self) -> dict[str, str]:
        """`{ a, b as c }` as {"a": "a", "b": "c"}."""
        names: dict[str, str] = {}
        self._expect("{")
        while self._peek() != "}":
            given = self._next()
            if given.kind != "word":
                self._refuse(given, f"unexpected {given.text}")
            names[given.text] = given.text
            if self._peek() == "as":
                self._next()
                names[given.text] = self._next().text
            if self._peek() == ",":
                self._next()
        self._expect("}")
        return names

    def _edit(self, first: Token, replacement: str) -> None:
        end = self._read[self._at - 1].end
        if self._at < len(self._read) and self._peek() == ";":
            end = self._next().end
        self._edits.append((first.start, end, replacement))

    def _token(self) -> Token:
        if self._at >= len(self._read):
            self._refuse(self._read[-1], "unexpected end of the code")
        return self._read[self._at]

    def _peek(self, ahead: int = 0) -> str:
        return self._read[self._at + ahead].text if self._at + ahead < len(self._read) else ""

    def _next(self) -> Token:
        token = self._token()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            self._refuse(token, f"expected {text}, found {token.text}")

    def _refuse(self, token: Token, why: str) -> NoReturn:
        raise BrokenCode([CodeError("module", why, *self._lines.place(token.start))])


_PLAIN = re.compile(r"[\w@/.$-]+")


def _quoted(name: str) -> str:
    assert _PLAIN.fullmatch(name), name
    return f'"{name}"'
