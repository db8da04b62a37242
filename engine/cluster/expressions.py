"""CEL expressions as texts: what they read, and the macros of two variables written with those of one.

Nothing is evaluated here; a ``Compiler`` does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

KEYS: Final = "trueup.keys"
MERGE: Final = "trueup.merge"
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*|`[^`]*`)
    |(?P<number>[0-9][0-9A-Za-z.]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSERS: Final = {closer: opener for opener, closer in _PAIRS.items()}


class Program(Protocol):
    """A compiled expression.

    Attributes:
        result: Type of the result as CEL prints it (``string``, ``map(string, string)``); ``dyn`` somewhere in it
            where only an evaluation can tell.
    """

    @property
    def result(self) -> str:
        """Return the type of the result."""
        ...

    def run(self, values: Mapping[str, Any]) -> Any:
        """Return the result as plain data.

        Raises:
            InvalidSpecError: It cannot be evaluated over these values.
        """
        ...


class Compiler(Protocol):
    """An engine of CEL."""

    def compile(self, text: str, *, secrets: bool) -> Program:
        """Compile an expression over ``self`` and, if ``secrets``, ``secret``.

        Raises:
            InvalidSpecError: It is none, or its types do not fit.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: str
    start: int
    end: int


def _tokens(text: str) -> list[_Token]:
    found = (_Token(m.group(), m.lastgroup or "", m.start(), m.end()) for m in _TOKEN.finditer(text))
    return [t for t in found if t.kind != "space"]


def _is_member(tokens: Sequence[_Token], index: int) -> bool:
    """Whether a word is selected from something, and no variable."""
    if index and tokens[index - 1].text == "?":
        index -= 1
    return index > 0 and tokens[index - 1].text == "."


def secret_names(text: str) -> frozenset[str] | None:
    """Return which members of ``secret`` an expression reads; None when only its evaluation can tell."""
    tokens = _tokens(text)
    names = set()
    for index, token in enumerate(tokens):
        if token.text == "secret" and not _is_member(tokens, index):
            name = _selected(tokens, index + 1)
            if name is None:
                return None
            names.add(name)
    return frozenset(names)


def _selected(tokens: Sequence[_Token], index: int) -> str | None:
    """Return the name that is selected at a token, ``.name`` or ``["name"]``; None where that is no plain name."""
    after = [t for t in tokens[index : index + 4] if t.text != "?"]
    if len(after) >= 2 and after[0].text == "." and after[1].kind == "word":
        return after[1].text if len(after) == 2 or after[2].text != "(" else None
    if len(after) >= 3 and after[0].text == "[" and after[1].kind == "text" and after[2].text == "]":
        return _plain(after[1].text)
    return None


def _plain(literal: str) -> str | None:
    quoted = literal[0] in "\"'" and "\\" not in literal and not literal.startswith(('"""', "'''"))
    return literal[1:-1] if quoted else None


def self_paths(text: str) -> Iterator[tuple[str, ...]]:
    """Yield what is selected from ``self`` by plain names, as deep as plain names go."""
    tokens = _tokens(text)
    for index, token in enumerate(tokens):
        if token.text == "self" and not _is_member(tokens, index):
            yield tuple(_chain(tokens, index + 1))


def _chain(tokens: Sequence[_Token], index: int) -> Iterator[str]:
    while index + 1 < len(tokens) and tokens[index].text == ".":
        name = index + 2 if tokens[index + 1].text == "?" else index + 1
        if name >= len(tokens) or tokens[name].kind != "word":
            return
        if name + 1 < len(tokens) and tokens[name + 1].text == "(":
            return
        yield tokens[name].text
        index = name + 1


_TWO: Final = {
    "transformMapEntry": (3, 4), "transformMap": (3, 4), "transformList": (3, 4),
    "exists": (3,), "all": (3,), "existsOne": (3,), "exists_one": (3,),
}  # fmt: skip
"""Macros of two variables -> how many arguments they take; with fewer, three of them are those of one variable."""


def expand_macros(text: str) -> str:
    """Return an expression without macros of two variables.

    The C++ engine has none. Each becomes macros of one variable over the keys of a map, or the positions of a list;
    the last one in the text goes first, so that none is in the arguments of the one at hand.
    """
    serial = 0
    while (call := _last_call(_tokens(text))) is not None:
        serial += 1
        receiver = text[call.receiver : call.dot]
        arguments = [text[a:b].strip() for a, b in call.arguments]
        text = text[: call.receiver] + _expanded(call.name, receiver, arguments, serial) + text[call.end :]
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call of a macro, by positions in the text."""

    name: str
    receiver: int
    dot: int
    arguments: tuple[tuple[int, int], ...]
    end: int


def _last_call(tokens: Sequence[_Token]) -> _Call | None:
    for index in range(len(tokens) - 1, 1, -1):
        token = tokens[index]
        if token.text not in _TWO or tokens[index - 1].text != "." or index + 1 >= len(tokens):
            continue
        if tokens[index + 1].text != "(":
            continue
        closing = _closing(tokens, index + 1)
        if closing is None:
            continue
        arguments = _arguments(tokens, index + 1, closing)
        first = _operand(tokens, index - 2)
        if len(arguments) in _TWO[token.text] and first is not None:
            dot = tokens[index - 1].start
            start, end = tokens[first].start, tokens[closing].end
            return _Call(name=token.text, receiver=start, dot=dot, arguments=arguments, end=end)
    return None


def _closing(tokens: Sequence[_Token], index: int) -> int | None:
    depth = 0
    for at in range(index, len(tokens)):
        depth += (tokens[at].text in _PAIRS) - (tokens[at].text in _CLOSERS)
        if depth == 0:
            return at
    return None


def _opening(tokens: Sequence[_Token], index: int) -> int | None:
    depth = 0
    for at in range(index, -1, -1):
        depth += (tokens[at].text in _CLOSERS) - (tokens[at].text in _PAIRS)
        if depth == 0:
            return at
    return None


def _arguments(tokens: Sequence[_Token], opening: int, closing: int) -> tuple[tuple[int, int], ...]:
    depth, start, found = 0, tokens[opening].end, []
    for token in tokens[opening + 1 : closing]:
        depth += (token.text in _PAIRS) - (token.text in _CLOSERS)
        if token.text == "," and depth == 0:
            found.append((start, token.start))
            start = token.end
    return (*found, (start, tokens[closing].start))


def _operand(tokens: Sequence[_Token], index: int) -> int | None:
    """Return where the operand that ends at a token begins: ``a.b(c)[d]`` is one."""
    while index >= 0:
        token = tokens[index]
        if token.text in _CLOSERS:
            opening = _opening(tokens, index)
            if opening is None:
                return None
            if tokens[opening].text == "{" or not _ends_operand(tokens, opening - 1):
                return opening
            index = opening - 1
        elif token.kind in ("word", "text", "number"):
            if not _is_member(tokens, index):
                return index
            index -= 3 if tokens[index - 1].text == "?" else 2
        else:
            return None
    return None


def _ends_operand(tokens: Sequence[_Token], index: int) -> bool:
    if index < 0:
        return False
    token = tokens[index]
    return token.text in _CLOSERS or (token.kind == "word" and token.text != "in") or token.kind == "text"


def _expanded(name: str, receiver: str, arguments: Sequence[str], serial: int) -> str:
    key, value, *conditions, result = arguments
    held = f"trueup_{serial}"
    keys = f"{KEYS}({held})"
    if conditions:
        keys += f".filter({key}, cel.bind({value}, {held}[{key}], {conditions[0]}))"
    match name:
        case "transformMap":
            body = f"{MERGE}({keys}.map({key}, cel.bind({value}, {held}[{key}], {{{key}: {result}}})))"
        case "transformMapEntry":
            body = f"{MERGE}({keys}.map({key}, cel.bind({value}, {held}[{key}], {result})))"
        case _:
            macro = {"transformList": "map", "existsOne": "exists_one"}.get(name, name)
            body = f"{keys}.{macro}({key}, cel.bind({value}, {held}[{key}], {result}))"
    return f"cel.bind({held}, dyn({receiver}), {body})"
