"""The owner's browser: opens the sign-in page, agrees, and brings the result to whoever waits on this machine."""

import html
import re
import ssl
from pathlib import Path

import httpx

_FORM = re.compile(r'<form method="post" action="([^"]+)">')
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def agree(address: str, ca_file: Path) -> int:
    """Sign in at the page and return how whoever waits answered the browser."""
    trusted = ssl.create_default_context(cafile=str(ca_file))
    with httpx.Client(verify=trusted, trust_env=False, timeout=20) as client:
        page = client.get(address)
        if page.status_code == 302:
            return client.get(page.headers["Location"]).status_code
        form = _FORM.search(page.text)
        if form is None:
            return page.status_code
        fields = {name: html.unescape(text) for name, text in _FIELD.findall(page.text)}
        return client.post(html.unescape(form[1]), data=fields).status_code
