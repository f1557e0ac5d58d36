"""What the OpenAPI document says of access: from the table, so that it cannot say anything else."""

from __future__ import annotations

from typing import Any

from api.access.table import RULES, Reach, Rule
from api.rest.dependencies import problem_answer

SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of Fermata, or a signed one of the identity provider. A server on a loopback "
        "address needs none until the first one was made.",
    }
}
ANSWERS = {
    401: "No credential was sent, or one that is not good.",
    403: "The scope is missing, or the grant does not reach the fleet.",
    429: "Too many requests; Retry-After says when to go on.",
}


def describe_access(document: dict[str, Any]) -> None:
    """Adds to each operation its scopes and the answers of the gate."""
    document["components"]["securitySchemes"] = SCHEMES
    for path, item in document["paths"].items():
        for method, operation in item.items():
            rule = _rule(method, path)
            if rule is None or rule.is_public:
                operation["security"] = []
                if rule is not None and rule.costly:
                    operation["responses"].setdefault("429", problem_answer(429, ANSWERS[429]))
                continue
            operation["security"] = [{"token": []}, {}]  # an open server asks for none
            operation["x-scopes"] = sorted(rule.scopes)
            operation["description"] = f"{operation.get('description', '')}\n\n{_words(rule)}".strip()
            for status, description in ANSWERS.items():
                operation["responses"].setdefault(str(status), problem_answer(status, description))


def _rule(method: str, path: str) -> Rule | None:
    for key, rule in RULES.items():
        verb, _, template = key.partition(" ")
        if verb == method.upper() and template.replace(":path}", "}") == path:
            return rule
    return None


def _words(rule: Rule) -> str:
    scopes = " or ".join(sorted(rule.scopes))
    fleets = {
        Reach.FLEET: "of the fleet asked for",
        Reach.ALL: "of every fleet",
        Reach.SHARED: "of any fleet",
        Reach.OWN: "of any fleet",
    }
    return f"Scope: {scopes}, {fleets[rule.reach]}."
