"""
One method for each operation of the REST API, as text of a Python module.

The functions that openapi-python-client writes answer with a union of what was asked for and every
problem; these methods return what was asked for and raise the rest. They are made from those functions' own
signatures, so that types and names are the generator's.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAD = '''"""A method for each operation of the REST API. Written by tools/build_client.py: do not edit."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import datetime
from collections.abc import {iterator}

from fermata_client.connection import {base}, result, with_csv
from fermata_client.generated import models
from fermata_client.generated.types import UNSET, File, Unset
from fermata_client.run_events import RunEvent, {run_events}
{imports}


class {name}({base}):
    """Each method returns what was asked for; a problem is raised as ``Refused``."""
'''
EVENT_STREAM, CSV, LAST_EVENT = "text/event-stream", "text/csv", "last_event_id"
NO_TYPES = ("Any", "Problem", "None")
"""In what a generated function gives: an empty answer, a problem, an undocumented status."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``name``, its type, and whether it may be left out."""

    name: str
    type: str
    is_optional: bool

    @property
    def declared(self) -> str:
        return f"{self.name}: {self.type}" + (" = UNSET" if self.is_optional else "")

    @property
    def passed(self) -> str:
        return f"{self.name}={self.name}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what its path names comes first, then its body, then what may be left out."""

    name: str
    module: str
    words: str
    positional: tuple[Parameter, ...]
    others: tuple[Parameter, ...]
    answer: str
    item: str | None

    @property
    def cursor(self) -> Parameter | None:
        return next((p for p in self.others if p.name in ("after", "before")), None)


def methods_module(generated: Path, document: dict[str, Any], *, is_async: bool) -> str:
    """The module's text, for calls that wait or for such as are awaited; ``document`` describes the API."""
    operations = operations_of(generated)
    streams, takers_of_csv = streamed_operations(document), operations_with_csv(document)
    imports = "\n".join(
        f"from fermata_client.generated.api.{each.module} import {each.name} as _{each.name}"
        for each in operations
    )
    head = HEAD.format(
        name="AsyncOperations" if is_async else "Operations",
        base="AsyncConnection" if is_async else "Connection",
        iterator="AsyncIterator" if is_async else "Iterator",
        run_events="async_run_events" if is_async else "run_events",
        imports=imports,
    )
    return head + "".join(
        _stream(each, is_async)
        if each.name in streams
        else _method(each, is_async)
        + _all(each, is_async)
        + (_with_csv(each, is_async) if each.name in takers_of_csv else "")
        for each in operations
    )


def streamed_operations(document: dict[str, Any]) -> set[str]:
    """Ids of those that answer with server-sent events."""
    return {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if EVENT_STREAM in operation["responses"].get("200", {}).get("content", {})
    }


def operations_with_csv(document: dict[str, Any]) -> set[str]:
    """Ids of those that take CSV as well as JSON."""
    return {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if CSV in operation.get("requestBody", {}).get("content", {})
    }


def operations_of(generated: Path) -> list[Operation]:
    """Every operation, in the order of the generator's files."""
    paths = sorted(path for path in generated.glob("api/*/*.py") if path.name != "__init__.py")
    return [_operation(path, generated / "models") for path in paths]


def _operation(path: Path, models: Path) -> Operation:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = functions["sync_detailed"]
    arguments = function.args
    positional = [_parameter(each, None) for each in arguments.args]
    keywords = [
        _parameter(each, default)
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if each.arg != "client"
    ]
    body = [each for each in keywords if each.name == "body"]
    answer = _answer(ast.unparse(function.returns) if function.returns else "")
    return Operation(
        name=path.stem,
        module=path.parent.name,
        words=_words_of(ast.get_docstring(function) or path.stem),
        positional=(*positional, *body),
        others=tuple(each for each in keywords if each.name != "body"),
        answer=answer,
        item=_item(answer, models),
    )


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    kind = ast.unparse(argument.annotation) if argument.annotation else "object"
    is_optional = "Unset" in kind
    if default is not None and not is_optional:  # the server's own default will do as well
        kind, is_optional = f"{kind} | Unset", True
    return Parameter(argument.arg, _qualified(kind), is_optional)


def _qualified(kind: str) -> str:
    """The generator's classes by their place: they need no import each."""
    plain = {"Any", "Unset", "File", "None", "Response"}
    return re.sub(r"(?<![\w.])([A-Z]\w*)", lambda m: m[1] if m[1] in plain else f"models.{m[1]}", kind)


def _answer(returns: str) -> str:
    """``Response[Problem | RunOut]`` as ``models.RunOut``."""
    inner = returns.removeprefix("Response[").removesuffix("]")
    kinds = [kind.strip() for kind in inner.split(" | ")]
    return _qualified(" | ".join(kind for kind in kinds if kind not in NO_TYPES)) or "None"


def _item(answer: str, models: Path) -> str | None:
    """What a page is of."""
    if not re.fullmatch(r"models\.\w+Page", answer):
        return None
    name = answer.removeprefix("models.")
    for path in models.glob("*_page.py"):
        found = re.search(rf"class {name}:.*?^    items: list\[(\w+)\]", path.read_text("utf-8"), re.M | re.S)
        if found:
            return _qualified(found[1])
    return None


def _words_of(docstring: str) -> str:
    """The operation's own words, between its title and the generator's account of its parameters."""
    text = re.split(r"^(?:Args|Raises|Returns):$", docstring, flags=re.MULTILINE)[0]
    title, _, words = text.partition("\n")
    return " ".join((words.strip() or title).split())


def _method(operation: Operation, is_async: bool) -> str:
    passed = ["client=self.client", *(p.passed for p in (*operation.positional, *operation.others))]
    call = f"_{operation.name}.{'asyncio' if is_async else 'sync'}_detailed({', '.join(passed)})"
    declared = _declared(operation.positional, operation.others)
    returned = f"result({'await ' if is_async else ''}{call})"
    return (
        f"\n    {'async ' if is_async else ''}def {operation.name}({declared}) -> {operation.answer}:\n"
        f"{_docstring(operation.words)}"
        f"        {returned if operation.answer == 'None' else 'return ' + returned}\n"
    )


def _all(operation: Operation, is_async: bool) -> str:
    """For a list: an iterator over all of it, page by page."""
    cursor = operation.cursor
    if operation.item is None or cursor is None:
        return ""
    others = tuple(p for p in operation.others if p != cursor)
    passed = [*(p.passed for p in (*operation.positional, *others)), cursor.passed]
    wait, iterator = ("await ", "AsyncIterator") if is_async else ("", "Iterator")
    each = "            yield from page.items\n"
    if is_async:
        each = "            for item in page.items:\n                yield item\n"
    name = operation.name.removeprefix("list_").removeprefix("get_")
    return (
        f"\n    {'async ' if is_async else ''}def all_{name}"
        f"({_declared(operation.positional, others)}) -> {iterator}[{operation.item}]:\n"
        f'        """Everything that ``{operation.name}`` gives page by page."""\n'
        f"        {cursor.name}: {cursor.type} = UNSET\n"
        f"        while True:\n"
        f"            page = {wait}self.{operation.name}({', '.join(passed)})\n"
        f"{each}"
        f"            if not page.next_{cursor.name}:\n"
        f"                return\n"
        f"            {cursor.name} = page.next_{cursor.name}\n"
    )


def _stream(operation: Operation, is_async: bool) -> str:
    """An iterator over the events, which goes on where a connection breaks."""
    others = [p for p in operation.others if p.name != LAST_EVENT]
    passed = ", ".join([*(p.passed for p in (*operation.positional, *others)), f"{LAST_EVENT}=last"])
    module, iterator = f"_{operation.name}", "AsyncIterator" if is_async else "Iterator"
    return (
        f"\n    def {operation.name}({_declared(operation.positional, operation.others)})"
        f" -> {iterator}[RunEvent]:\n"
        f"{_docstring(operation.words)}"
        f"        return {'async_' if is_async else ''}run_events(\n"
        f"            self.http,\n"
        f"            lambda last: {module}._get_kwargs({passed}),\n"
        f"            lambda response: result("
        f"{module}._build_response(client=self.client, response=response)),\n"
        f"            0 if isinstance({LAST_EVENT}, Unset) else {LAST_EVENT},\n"
        f"            self.tries_max,\n"
        f"        )\n"
    )


def _with_csv(operation: Operation, is_async: bool) -> str:
    """The same operation with a body of CSV."""
    csv = Parameter("csv", "str | bytes", False)
    before = tuple(p for p in operation.positional if p.name != "body")
    passed = ", ".join([*(p.passed for p in (*before, *operation.others)), "body=[]"])
    module = f"_{operation.name}"
    sent = f"self.http.request(**with_csv({module}._get_kwargs({passed}), csv))"
    return (
        f"\n    {'async ' if is_async else ''}def {operation.name}_csv"
        f"({_declared((*before, csv), operation.others)}) -> {operation.answer}:\n"
        f'        """``{operation.name}``, its body as CSV."""\n'
        f"        response = {'await ' if is_async else ''}{sent}\n"
        f"        return result({module}._build_response(client=self.client, response=response))\n"
    )


def _declared(positional: tuple[Parameter, ...], others: tuple[Parameter, ...]) -> str:
    star = ["*"] if others else []
    return ", ".join(["self", *(p.declared for p in positional), *star, *(p.declared for p in others)])


def _docstring(text: str, width: int = 88) -> str:
    lines: list[str] = []
    for word in text.replace("\\", "\\\\").split():
        if lines and len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) == 1:
        return f'        """{lines[0]}"""\n'
    return '        """\n' + "".join(f"        {line}\n" for line in lines) + '        """\n'
