"""The connector `google`: contacts and calendars of one Google account, and signing in to it."""

import time

from connectors import google_grant, oauth
from connectors.calendar_interface import Calendar
from connectors.errors import ConnectorError, SignInFailed, SignInNeeded
from connectors.google_access import CALENDAR, PEOPLE, Access, Api, Options
from connectors.google_answers import Refused
from connectors.google_grant import Grant
from connectors.interface import Contacts, Page, SignedIn, SignIn, Way
from connectors.oauth import Granted
from connectors.tokens import TokenStore
from mappings.event import CalendarName
from mappings.normalize import email_key
from mappings.record import AccountName

_WHO = ("openid", "email")
"""Asked for besides, to say which account was signed in to."""


def open_contacts(account: AccountName, options: Options, tokens: TokenStore) -> Contacts | None:
    """Return the account's address book, None if it has only calendars."""
    if not options.contacts:
        return None
    # Only here, as below: what is not used need not be imported.
    from connectors.google_people import GoogleContacts  # noqa: PLC0415

    return GoogleContacts(Access(account, PEOPLE, options, tokens))


def open_calendars(account: AccountName, options: Options, tokens: TokenStore) -> tuple[Calendar, ...]:
    """Return the account's calendars, named by their ids."""
    if not options.calendars:
        return ()
    from connectors.google_calendar import GoogleCalendar  # noqa: PLC0415

    return tuple(
        GoogleCalendar(Access(account, CALENDAR, options, tokens), CalendarName(calendar))
        for calendar in dict.fromkeys(options.calendars)
    )


def sign_in(asked: SignIn, options: Options, tokens: TokenStore) -> tuple[str, ...]:
    """Let the owner sign in, keep the grant, and try each API once.

    Errors: `SignInFailed`, `TryLater`; what was kept before is kept until the new grant covers what is needed.
    """
    if asked.way is Way.DEVICE:
        raise SignInFailed(
            "Google does not let contacts be reached by a code typed on another device; without a browser here, use "
            "--no-browser and forward the port that the address names (ssh -L PORT:127.0.0.1:PORT)"
        )
    endpoints = options.endpoints
    client = google_grant.read_client(
        options.client_secret_file, endpoints.authorize, endpoints.token, endpoints.ca_file
    )
    # Each sign-in asks for consent anew, so that a box that was unticked can be ticked.
    further = {"access_type": "offline", "prompt": "consent"} | ({"login_hint": asked.email} if asked.email else {})
    granted = oauth.sign_in(client, (*_WHO, *options.scopes), further, lambda address: asked.show(Page(address, "")))
    _check(asked, options, granted, _before(asked.account, tokens))
    grant = _grant(client.id, granted)
    with tokens.locked(asked.account):
        google_grant.write_grant(tokens, asked.account, grant)
    tried = _tried(asked.account, options, tokens)
    who = f"Signed in as {granted.email}." if granted.email else "Signed in; Google did not say as whom."
    return tuple(filter(None, (who, *tried, google_grant.announced_end(grant))))


def signed_in(account: AccountName, options: Options, tokens: TokenStore) -> SignedIn:
    """Return who has signed in, and when that ends. Errors: `SignInNeeded`, `TryLater`."""
    del options
    return google_grant.signed_in(google_grant.read_grant(tokens, account))


def _before(account: AccountName, tokens: TokenStore) -> str:
    """Return who signed in to the account the last time, "" if nobody did."""
    try:
        return google_grant.read_grant(tokens, account).email
    except SignInNeeded:
        return ""


def _check(asked: SignIn, options: Options, granted: Granted, before: str) -> None:
    """Make sure that the right account was signed in to, and that it granted what is needed."""
    expected = asked.email or before
    if expected and granted.email and email_key(granted.email) != email_key(expected):
        raise SignInFailed(
            f"signed in as {granted.email}, but this account is {expected}; sign in as that one, or correct "
            f"accounts.{asked.account}.email, or begin anew with `contactd account remove {asked.account}`"
        )
    missing = [api.title for api in _apis(options) if api.scope not in granted.scopes]
    if missing:
        raise SignInFailed(
            f"the sign-in does not cover what is needed for the {' and the '.join(missing)}: a box was left unticked; sign "
            "in again and tick every box, or turn off what you do not want in the configuration"
        )


def _grant(client_id: str, granted: Granted) -> Grant:
    now_s = time.time()
    return Grant(
        client_id=client_id,
        refresh_token=granted.refresh_token,
        access_token=granted.access_token,
        expires_at_s=now_s + granted.expires_in_s,
        scopes=tuple(sorted(granted.scopes)),
        email=granted.email,
        signed_in_at_s=now_s,
        ends_at_s=0.0 if granted.ends_after_s is None else now_s + granted.ends_after_s,
    )


def _apis(options: Options) -> tuple[Api, ...]:
    return (*([PEOPLE] if options.contacts else []), *([CALENDAR] if options.calendars else []))


def _tried(account: AccountName, options: Options, tokens: TokenStore) -> tuple[str, ...]:
    """Call each API once, and say what is wrong with it in the words that its error has."""
    return tuple(_said(Access(account, api, options, tokens), options) for api in _apis(options))


def _said(access: Access, options: Options) -> str:
    title = access.api.title
    try:
        _call(access, options)
    except Refused as error:
        return f"{title}: answered {error.refusal.status} {error.refusal.code}; {error.refusal.message}"
    except ConnectorError as error:
        return f"{title}: {error}."
    return f"{title}: works."


def _call(access: Access, options: Options) -> None:
    if access.api is PEOPLE:
        access.ask(
            lambda people: (
                people.people()
                .connections()
                .list(
                    resourceName="people/me", personFields="metadata", pageSize=1, sources=["READ_SOURCE_TYPE_CONTACT"]
                )
            )
        )
        return
    for calendar in options.calendars:
        _call_calendar(access, calendar)


def _call_calendar(access: Access, calendar: str) -> None:
    access.ask(lambda api: api.events().list(calendarId=calendar, maxResults=1, fields="items(id)"))
