"""Worlds with Google in them: an emulator that runs, an account that is signed in, connectors that wait for nothing."""

import json
import time
from pathlib import Path
from typing import Any

import folder_worlds
from connectors import google_grant
from connectors.google_access import CALENDAR, CALENDARS_SCOPE, CONTACTS_SCOPE, PEOPLE, Access, Endpoints, Options
from connectors.google_calendar import GoogleCalendar
from connectors.google_grant import Grant
from connectors.google_people import GoogleContacts
from connectors.tokens import TokenStore, open_store
from emulators.google.contacts import AddressBook
from emulators.google.server import Server
from folder_worlds import FolderWorld
from mappings.event import CalendarName
from mappings.record import AccountName

HOME = AccountName("home")
ME = "owner@example.test"
_SCOPES = (CALENDARS_SCOPE, CONTACTS_SCOPE)


class GoogleWorld:
    """One account of the emulator, and our side of it below a folder."""

    def __init__(self, server: Server, folder: Path, email: str = ME, account: AccountName = HOME) -> None:
        self.server = server
        self.google = server.google
        self.email = email
        self.account = account
        self.folder = folder
        self.waits: list[float] = []
        self.google.account(email)

    @property
    def book(self) -> AddressBook:
        return self.google.account(self.email).book

    @property
    def client_secret_file(self) -> Path:
        """Return the OAuth client's file, as the console gives it."""
        path = self.folder / "client_secret.json"
        if not path.exists():
            client: dict[str, Any] = {"client_id": self.google.client_id, "client_secret": self.google.client_secret}
            path.write_text(json.dumps({"installed": {**client, "redirect_uris": ["http://localhost"]}}))
        return path

    @property
    def tokens(self) -> TokenStore:
        return open_store(self.folder / "tokens")

    @property
    def options(self) -> Options:
        at = self.server.endpoints
        endpoints = Endpoints(at["people"], at["calendar"], at["authorize"], at["token"])
        return Options(self.client_secret_file, endpoints=endpoints)

    def signed_in(self, tokens: TokenStore | None = None) -> "GoogleWorld":
        """Keep a grant as a sign-in leaves it, good for an hour of the emulator's time."""
        access, refresh, now_s = f"ya29.{self.account}", f"1//{self.account}", self.google.clock.now.timestamp()
        self.google.tokens.access[access] = (self.email, now_s + 3599, " ".join(_SCOPES))
        self.google.tokens.refresh[refresh] = (self.email, " ".join(_SCOPES))
        grant = Grant(self.google.client_id, refresh, access, time.time() + 3599, _SCOPES, self.email, time.time(), 0.0)
        google_grant.write_grant(tokens or self.tokens, self.account, grant)
        return self

    def contacts(self) -> GoogleContacts:
        """Return a connector to the contacts that shares nothing with those before."""
        return GoogleContacts(Access(self.account, PEOPLE, self.options, self.tokens, self.waits.append))

    def calendar(self, name: str = "primary") -> GoogleCalendar:
        access = Access(self.account, CALENDAR, self.options, self.tokens, self.waits.append)
        return GoogleCalendar(access, CalendarName(name))

    def calls(self) -> dict[str, int]:
        """Return how often each method was called since the last time that this was asked."""
        counted = {".".join(name.split(".")[-2:]): count for name, count in self.google.calls.items()}
        self.google.calls.clear()
        return counted


def made(server: Server, root: Path, *, signed_in: bool = True, account: str = "") -> tuple[FolderWorld, GoogleWorld]:
    """Make a vault and a Google account beside it; the text is further lines of the account's table."""
    world = folder_worlds.made(root)
    google = GoogleWorld(server, root)
    world.config.write_text(
        f"[vault]\npath = {json.dumps(str(world.vault))}\n[state]\npath = {json.dumps(str(world.state))}\n"
        + account_table(google, more=account)
    )
    if signed_in:
        sign_in(world, google)
    return world, google


def account_table(google: GoogleWorld, *, more: str = "") -> str:
    """Return the lines of a configuration for a Google account."""
    endpoints = "".join(f"{name} = {json.dumps(url)}\n" for name, url in google.server.endpoints.items())
    return (
        f'[accounts.{google.account}]\nconnector = "google"\nemail = "{google.email}"\n'
        f"client_secret_file = {json.dumps(str(google.client_secret_file))}\n{more}\n"
        f"[accounts.{google.account}.endpoints]\n{endpoints}"
    )


def sign_in(world: FolderWorld, google: GoogleWorld) -> None:
    """Keep a grant where the program looks for it."""
    google.signed_in(open_store(world.state / "tokens"))
