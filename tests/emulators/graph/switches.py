"""Where the service is known to behave in more than one way, or nobody knows in which: each is a switch."""

from dataclasses import dataclass


@dataclass
class Switches:
    """How the emulator behaves; the defaults are what is most common."""

    top_max: int = 1000
    page_default: int = 10
    delta_page_max: int = 500
    honours_if_match: bool = False
    writes_show_late: bool = False
    """Writes are not in the delta until `Contacts.settle`."""
    empty_page_first: bool = False
    duplicates: bool = False
    replays: bool = False
    partial_rows: bool = False
    """Rows of a delta have neither `changeKey` nor anything else that did not change."""
    select_ignored: bool = False
    removed_in_first_round: bool = False
    reason: str = "deleted"
    loses_deletes: bool = False
    trash_is_readable: bool = False
    """A deleted contact can still be read by its immutable id, in a folder that is none of contacts."""
    null_lists: bool = False
    control_characters: bool = False
    patch_answers_nothing: bool = False
    links_elsewhere: str = ""
    """The origin that links point to, instead of our own."""
    expiry: str = "410"
    """How a link that is too old is answered: 410, 410-location, 400, 404."""
    error_code: str = "SyncStateNotFound"
    extension_change_shows: bool = True
    """A write of extended properties alone is a change of the contact."""
    touches_after_write: bool = False
    """The service changes the key once more after a write, without any visible change."""
    batch_overload: bool = True
    """More than four items of a batch that do not wait for each other are throttled."""
    shuffles_batches: bool = True
    base64_bodies: bool = False
    notes_with_crlf: bool = False
    refuses_birthday_before_1900: bool = True
    calendars_list_fails: bool = False
    masters_in_view: bool = False
    scope_in_full: bool = False
    folder_ids_differ: bool = False
    """A folder's id is another where it is asked for by itself than in its contacts."""
