"""What Google publishes of its APIs, as a judge of both sides: requests of ours and answers of the emulator.

The discovery documents come with google-api-python-client. A schema of theirs becomes a strict JSON Schema: no member
that it does not name, and in a request none that only the server says.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast
from urllib.parse import unquote

from jsonschema import Draft7Validator, ValidationError

Doc = dict[str, Any]

_STRING_FORMATS = {"int64": r"^-?\d+$", "uint64": r"^\d+$"}
_SENT_ALTHOUGH_READ_ONLY = frozenset({("Person", "metadata")})
"""Guards of an update: the guide has a client send the metadata's sources."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of an API."""

    id: str
    verb: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Doc]
    request: str
    response: str


class Api:
    """One API as its discovery document has it."""

    def __init__(self, name: str, base_path: str) -> None:
        path = files("googleapiclient").joinpath(f"discovery_cache/documents/{name}.json")
        self._document: Doc = json.loads(path.read_text())
        self.methods = tuple(self._methods(self._document, base_path))

    def method(self, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """Return the method that a request is for, with the parameters in its path."""
        for method in self.methods:
            match = method.pattern.fullmatch(path)
            if match is not None and method.verb == verb:
                return method, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def problems_of_query(self, method: Method, query: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Tell what is wrong with the parameters of a request."""
        known = {**self._document["parameters"], **method.parameters}
        for name, values in query.items():
            if name not in known:
                yield f"{method.id}: unknown parameter {name}"
                continue
            yield from (f"{method.id}: {problem}" for problem in _problems_of_values(name, values, known[name]))

    def problems_of_request(self, method: Method, body: object) -> list[str]:
        """Tell what is wrong with the body of a request."""
        return self._problems(method.id, method.request, body, is_request=True)

    def problems_of_response(self, method: Method, body: object) -> list[str]:
        """Tell what is wrong with the body of an answer."""
        return self._problems(method.id, method.response, body, is_request=False)

    def problems_with(self, schema: str, body: object, *, is_request: bool) -> list[str]:
        """Tell how a body differs from a schema of the document."""
        return self._problems(schema, schema, body, is_request=is_request)

    def _problems(self, about: str, schema: str, body: object, *, is_request: bool) -> list[str]:
        if not schema:
            return [] if body in ({}, None) else [f"{about}: a body where there is none"]
        # Its stub wants a type of JSON of its own.
        errors: Iterator[ValidationError] = cast("Any", self._validator(schema, is_request=is_request)).iter_errors(
            body
        )
        return [f"{about}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]

    @cache  # noqa: B019  # an Api lives as long as the tests
    def _validator(self, schema: str, *, is_request: bool) -> Draft7Validator:
        definitions = {
            name: _strict(name, spec, is_request=is_request) for name, spec in self._document["schemas"].items()
        }
        return Draft7Validator({"$ref": f"#/definitions/{schema}", "definitions": definitions})

    def _methods(self, level: Doc, base_path: str) -> Iterator[Method]:
        for resource in level.get("resources", {}).values():
            for spec in resource.get("methods", {}).values():
                yield Method(
                    spec["id"],
                    spec["httpMethod"],
                    _pattern(base_path + spec.get("flatPath", spec["path"])),
                    spec.get("parameters", {}),
                    spec.get("request", {}).get("$ref", ""),
                    spec.get("response", {}).get("$ref", ""),
                )
            yield from self._methods(resource, base_path)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    return re.compile("".join(f"(?P<{part}>[^/:]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def _problems_of_values(name: str, values: Sequence[str], spec: Doc) -> Iterator[str]:
    if len(values) > 1 and not spec.get("repeated"):
        yield f"{name} is given more than once"
    for value in values:
        if spec["type"] == "integer" and not re.fullmatch(r"-?\d+", value):
            yield f"{name} is no number"
        if spec["type"] == "boolean" and value not in {"true", "false"}:
            yield f"{name} is no truth value"
        if "enum" in spec and value not in spec["enum"]:
            yield f"{name} cannot be {value}"


def _strict(name: str, spec: Doc, *, is_request: bool) -> Doc:
    """Return a schema of the document as a JSON Schema."""
    if "$ref" in spec:
        return {"$ref": f"#/definitions/{spec['$ref']}"}
    kind = spec.get("type", "any")
    if kind == "any":
        return {}
    made: Doc = {"type": kind}
    if "enum" in spec and kind == "string":
        made["enum"] = spec["enum"]
    if kind == "string" and spec.get("format") in _STRING_FORMATS:
        made["pattern"] = _STRING_FORMATS[spec["format"]]
    if kind == "array":
        made["items"] = _strict("", spec["items"], is_request=is_request)
    if kind == "object":
        members = spec.get("properties", {})
        made["properties"] = {
            member: _strict("", each, is_request=is_request)
            for member, each in members.items()
            if not (is_request and _is_read_only(name, member, each))
        }
        further = spec.get("additionalProperties")
        made["additionalProperties"] = _strict("", further, is_request=is_request) if further else False
    return made


def _is_read_only(schema: str, member: str, spec: Doc) -> bool:
    says_so = spec.get("readOnly") or "Output only" in spec.get("description", "")
    return bool(says_so) and (schema, member) not in _SENT_ALTHOUGH_READ_ONLY


PEOPLE = Api("people.v1", "/")
CALENDAR = Api("calendar.v3", "/calendar/v3/")
