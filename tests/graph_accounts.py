"""An account at Microsoft in a configuration, signed in at the emulated authority."""

import json
import threading
from pathlib import Path

from connectors import microsoft
from connectors.interface import Page, SignIn, Way
from connectors.tokens import open_store
from emulators.graph.authority import Authority
from emulators.graph.browser import agree
from emulators.graph.certificates import Certificates
from mappings.record import AccountName

WORK = AccountName("work")


def account_table(authority: Authority, graph: str, certificate: Certificates, more: str = "") -> str:
    """Return the lines of a configuration for the account."""
    return (
        f'[accounts.{WORK}]\nconnector = "microsoft"\nclient_id = "{authority.client_id}"\nemail = "{authority.email}"\n'
        f"{more}\n[accounts.{WORK}.endpoints]\n"
        f'graph = "{graph}"\nauthority = "{authority.base}"\nca_file = {json.dumps(str(certificate.ca_file))}\n'
    )


def options(authority: Authority, graph: str, certificate: Certificates) -> microsoft.Options:
    """Return what the program makes of it."""
    endpoints = microsoft.Endpoints(graph, authority.base, certificate.ca_file)
    return microsoft.Options(authority.client_id, endpoints=endpoints)


def sign_in(authority: Authority, graph: str, certificate: Certificates, tokens: Path) -> None:
    """Sign in, with a browser that agrees."""

    def show(page: Page) -> None:
        threading.Thread(target=agree, args=(page.address, certificate.ca_file), daemon=True).start()

    asked = SignIn(WORK, authority.email, Way.ADDRESS, show)
    microsoft.sign_in(asked, options(authority, graph, certificate), open_store(tokens))
