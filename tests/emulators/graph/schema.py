"""The published schema as the judge of both sides: what is asked for, and what is answered."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from emulators.graph.service import Validate
from emulators.graph.wire import Document


def judge(file: Path) -> Validate:
    """Return a validator of the types that the schema in this file has."""
    schema: dict[str, Any] = json.loads(file.read_text())
    made: dict[str, Draft202012Validator] = {}

    def validate(name: str, body: Document) -> None:
        if name not in made:
            made[name] = Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"})
        made[name].validate(body)  # pyright: ignore[reportUnknownMemberType]  # its stubs leave an argument open

    return validate
