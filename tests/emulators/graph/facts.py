"""What the service knows of a contact: its properties, their shapes and their limits, from its published metadata.

A slice of it in code, so that the emulator needs no other file; a test compares it with the schema where there is one.
"""

import re
from typing import Any, cast

from emulators.graph.wire import Document, Refusal

TEXTS = (
    "assistantName", "businessHomePage", "companyName", "department", "displayName", "fileAs", "generation", "givenName",
    "initials", "jobTitle", "manager", "middleName", "mobilePhone", "nickName", "officeLocation", "personalNotes",
    "profession", "spouseName", "surname", "title", "yomiCompanyName", "yomiGivenName", "yomiSurname", "birthday",
)  # fmt: skip
LISTS = ("businessPhones", "categories", "children", "homePhones", "imAddresses")
ADDRESSES = ("businessAddress", "homeAddress", "otherAddress")
ADDRESS_PARTS = ("street", "city", "state", "postalCode", "countryOrRegion")
CAPS = {"emailAddresses": 3, "businessPhones": 2, "homePhones": 2, "imAddresses": 3}
READ_ONLY = ("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId")
SINGLE = "singleValueExtendedProperties"
WRITABLE = (*TEXTS, *LISTS, *ADDRESSES, "emailAddresses", SINGLE, "extensions")

_TYPES = "Boolean|Integer|Short|Long|Float|Double|Currency|SystemTime|String|Binary|CLSID"
_GUID = r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}"
PROPERTY_ID = re.compile(rf"(?:{_TYPES}) (?:{_GUID} (?:Name .+|Id 0x[0-9A-Fa-f]+)|0x[0-9A-Fa-f]+)")


def blank() -> Document:
    """Return a contact of which nothing is said: null, and empty lists and addresses."""
    return {
        **dict.fromkeys(TEXTS),
        **{name: [] for name in LISTS},
        **{name: {} for name in ADDRESSES},
        "emailAddresses": [],
    }


def checked(body: Document) -> None:
    """Refuse a body that the service would not take. Errors: `Refusal`."""
    for name, value in body.items():
        if name.startswith("@") or name == "extensions":
            continue
        if name in READ_ONLY:
            raise Refusal(400, "ErrorInvalidRequest", f"The property {name} is read-only.")
        if name not in WRITABLE:
            raise _unreadable(f"The property '{name}' does not exist on type 'microsoft.graph.contact'.")
        _check_shape(name, value)
        if len(value or ()) > CAPS.get(name, 10**6):
            raise Refusal(
                400,
                "ErrorPropertyValidationFailure",
                f"The multi value property {name} has {len(value)} entries, that exceeds the max allowed value of {CAPS[name]}.",
            )


def _check_shape(name: str, value: Any) -> None:  # noqa: ANN401  # what a client sent
    if name in TEXTS:
        right = value is None or isinstance(value, str)
    elif name in ADDRESSES:
        right = _is_flat(value, ADDRESS_PARTS)
    else:
        right = isinstance(value, list) and all(_is_item(name, item) for item in cast("list[object]", value))
    if not right:
        raise _unreadable(f"{name} is not of its type")


def _is_item(name: str, item: object) -> bool:
    if name in LISTS:
        return isinstance(item, str)
    if name == "emailAddresses":
        return _is_flat(item, ("name", "address"))
    if not _is_flat(item, ("id", "value")):
        return False
    if not PROPERTY_ID.fullmatch(cast("dict[str, str]", item)["id"]):
        raise Refusal(400, "ErrorInvalidProperty", "PropertyId values may only be in one of the following formats")
    return True


def _is_flat(value: object, names: tuple[str, ...]) -> bool:
    if not isinstance(value, dict):
        return False
    known = cast("dict[str, object]", value)
    return all(name in names and (text is None or isinstance(text, str)) for name, text in known.items())


def _unreadable(message: str) -> Refusal:
    return Refusal(400, "BadRequest", f"Unable to read JSON request payload. {message}")
