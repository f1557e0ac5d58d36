"""
One method for each operation of the REST API, as text of a Python module.

The functions that openapi-python-client writes answer with a union of what was asked for and every
problem; these methods return what was asked for and raise the rest. Types are taken from the OpenAPI
document by the names the generator gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openapi_python_client.utils import PythonIdentifier, snake_case

METHODS = ("get", "post", "put", "patch", "delete")
HEAD = '''"""A method for each operation of the REST API. Written by tools/build_client.py: do not edit."""

from __future__ import annotations

import datetime
from collections.abc import {iterator}

from fermata_client.connection import {base}, result
from fermata_client.generated import models
from fermata_client.generated.types import UNSET, Unset
{imports}

class {name}({base}):
    """Each method returns what was asked for; a problem is raised as ``Refused``."""
'''


@dataclass(frozen=True, slots=True)
class Parameter:
    """``name`` in Python, its type there, and whether it must be given."""

    name: str
    type: str
    is_required: bool

    @property
    def declared(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.is_required else " | Unset = UNSET")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as a method: positional parameters first, the body last of them."""

    name: str
    module: str
    words: str
    positional: tuple[Parameter, ...]
    others: tuple[Parameter, ...]
    result: str
    item: str | None

    @property
    def cursor(self) -> str | None:
        return next((p.name for p in self.others if p.name in ("after", "before")), None)


def methods_module(document: dict[str, Any], *, is_async: bool) -> str:
    """The module's text, for one that waits or for one that is awaited."""
    operations = list(operations_of(document))
    imports = "\n".join(
        f"from fermata_client.generated.api.{each.module} import {each.name} as _{each.name}"
        for each in operations
    )
    head = HEAD.format(
        name="AsyncOperations" if is_async else "Operations",
        base="AsyncConnection" if is_async else "Connection",
        iterator="AsyncIterator" if is_async else "Iterator",
        imports=imports,
    )
    return head + "\n".join(_method(each, is_async) + _all(each, is_async) for each in operations)


def operations_of(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item and not _streams(item[method]):
                yield _operation(path, item[method], document)


def _streams(operation: dict[str, Any]) -> bool:
    """Whether its answer is a stream of events, which has no place in a value returned."""
    return any("text/event-stream" in answer.get("content", {}) for answer in operation["responses"].values())


def _operation(path: str, operation: dict[str, Any], document: dict[str, Any]) -> Operation:
    parameters = operation.get("parameters", [])
    in_path = re.findall(r"{([^}]+)}", path)
    placed = sorted((p for p in parameters if p["in"] == "path"), key=lambda p: in_path.index(p["name"]))
    positional = [_parameter(p, operation) for p in placed]
    body = operation.get("requestBody")
    if body:
        positional.append(_body(body, operation))
    answer = _answer(operation, document)
    return Operation(
        name=snake_case(operation["operationId"]),
        module=snake_case((operation.get("tags") or ["default"])[0]),
        words=operation["description"],
        positional=tuple(positional),
        others=tuple(_parameter(p, operation) for p in parameters if p["in"] in ("query", "header")),
        result=answer,
        item=_item(operation, document) if answer.endswith("Page") else None,
    )


def _parameter(parameter: dict[str, Any], operation: dict[str, Any]) -> Parameter:
    name = PythonIdentifier(parameter["name"], "field_")
    kind = _type(parameter["schema"], f"{operation['operationId']}_{parameter['name']}")
    return Parameter(str(name), kind, bool(parameter.get("required")))


def _body(body: dict[str, Any], operation: dict[str, Any]) -> Parameter:
    kinds = [
        _type(content["schema"], f"{operation['operationId']}_body", is_file=name != "application/json")
        for name, content in body["content"].items()
    ]
    return Parameter("body", " | ".join(dict.fromkeys(kinds)), bool(body.get("required")))


def _answer(operation: dict[str, Any], document: dict[str, Any]) -> str:
    kinds: dict[str, None] = {}
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values() if status.startswith("2") else ():
            kinds[_type(content["schema"], f"{operation['operationId']}_response_{status}")] = None
    return " | ".join(kinds) or "None"


def _item(operation: dict[str, Any], document: dict[str, Any]) -> str:
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    page = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return _type(page["properties"]["items"]["items"], "item")


def _type(schema: dict[str, Any], name: str, *, is_file: bool = False) -> str:
    """The Python type that the generator gives a schema; ``name`` is where one of its own comes from."""
    if is_file:
        return "File"
    if "$ref" in schema:
        return f"models.{_class(schema['$ref'].rsplit('/', 1)[1])}"
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [
            _type(each, f"{name}_type_{i}") for i, each in enumerate(schema.get("anyOf") or schema["oneOf"])
        ]
        return " | ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return f"models.{_class(name)}"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema['items'], f'{name}_item')}]"
    if kind == "string" and schema.get("format") == "date-time":
        return "datetime.datetime"
    if kind == "object":
        return f"models.{_class(name)}"
    plain = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "null": "None"}
    return plain.get(str(kind), "object")


def _class(name: str) -> str:
    from openapi_python_client.utils import ClassName

    return str(ClassName(name, ""))


def _method(operation: Operation, is_async: bool) -> str:
    keywords = [f"{p.name}={p.name}" for p in (*operation.positional, *operation.others)]
    call = f"_{operation.name}.{'asyncio' if is_async else 'sync'}_detailed"
    asked = f"{'await ' if is_async else ''}{call}({', '.join(['client=self.client', *keywords])})"
    return (
        f"\n    {'async ' if is_async else ''}def {operation.name}({_declared(operation.positional, operation.others)})"
        f" -> {operation.result}:\n{_words(operation.words)}"
        f"        return result({asked})\n"
    )


def _all(operation: Operation, is_async: bool) -> str:
    """For a list: an iterator over all of it, page by page."""
    if operation.item is None or operation.cursor is None:
        return ""
    cursor = operation.cursor
    others = tuple(p for p in operation.others if p.name != cursor)
    name = "all_" + operation.name.removeprefix("list_")
    keywords = [f"{p.name}={p.name}" for p in (*operation.positional, *others)]
    kind = next(p.type for p in operation.others if p.name == cursor)
    wait, kind_of_iterator = ("await ", "AsyncIterator") if is_async else ("", "Iterator")
    return (
        f"\n    {'async ' if is_async else ''}def {name}({_declared(operation.positional, others)})"
        f" -> {kind_of_iterator}[{operation.item}]:\n"
        f'        """Everything that ``{operation.name}`` gives page by page."""\n'
        f"        {cursor}: {kind} | Unset = UNSET\n"
        f"        while True:\n"
        f"            page = {wait}self.{operation.name}({', '.join([*keywords, f'{cursor}={cursor}'])})\n"
        f"            for item in page.items:\n"
        f"                yield item\n"
        f"            if not page.next_{cursor}:\n"
        f"                return\n"
        f"            {cursor} = page.next_{cursor}\n"
    )


def _declared(positional: tuple[Parameter, ...], others: tuple[Parameter, ...]) -> str:
    return ", ".join(
        ["self", *(p.declared for p in positional), *(["*"] if others else []), *(p.declared for p in others)]
    )


def _words(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    body = "\n".join(f"        {line}".rstrip() for line in lines)
    return f'        """\n{body}\n        """\n' if len(lines) > 1 else f'        """{lines[0]}"""\n'
