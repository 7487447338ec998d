"""The log on a terminal: ids of people and accounts, never what a contact says, never a secret.

That a message carries ids only is up to whoever writes it. Secrets reach a log by other ways too: a library's
debug lines, the text of an exception, an address with its query. So every line is gone over when it is ready to be
written, its traceback included.
"""

import logging
import re
import sys
from typing import TextIO

_REMOVED = "[removed]"

_TALKATIVE = (
    *("google", "googleapiclient", "google_auth_httplib2", "hpack", "httpcore", "httpx", "msal", "urllib3"),
    "watchdog",
)
"""Libraries that log requests with their headers and addresses, or paths of notes, where they only inform."""

_SECRETS = (
    # A header's value ends with the line, whatever is in it; as text, in a dict, or as a pair of bytes.
    (re.compile(r"""(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(["']?\s*[:=,]).*"""), rf"\1\2 {_REMOVED}"),
    (re.compile(r"(?i)\b(bearer|basic) +[\w~+/.-]+=*"), rf"\1 {_REMOVED}"),
    (re.compile(r"""\?[^\s"'<>]*=[^\s"'<>]*"""), f"?{_REMOVED}"),
    # A form's or an object's member. Three digits are a status, which may be shown.
    (
        re.compile(
            r"""(?ix)\b( \w+_token | client_secret | code | \w+_code | code_verifier | assertion | password )
            (["']? \s* [:=] \s* b?) (?! \d{3} \b) ( "[^"]*" | '[^']*' | [^\s"'&,;)}\]]+ )"""
        ),
        rf"\1\2{_REMOVED}",
    ),
)


def set_up(level: int) -> None:
    """Have everything from this level on written to the terminal's error stream."""
    listen(level, handler(sys.stderr))


def listen(level: int, listener: logging.Handler) -> None:
    """Have everything from this level on go to one handler; talkative libraries only from a warning on."""
    logging.basicConfig(level=level, handlers=[listener], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def handler(stream: TextIO) -> logging.Handler:
    """Return a handler that writes lines without secrets to the stream."""
    lines = logging.StreamHandler(stream)
    lines.setFormatter(WithoutSecrets("%(levelname)s %(message)s"))
    return lines


def without_secrets(text: str) -> str:
    """Return the text with everything removed that looks like a password, a token, a cookie or a query."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class WithoutSecrets(logging.Formatter):
    """Goes over the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))
