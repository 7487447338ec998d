"""Secrets never reach the log, by whichever way they come."""

import io
import logging
from collections.abc import Iterator

import pytest

from daemon import log

CANARY = "s3cr3t-Canary_0"


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: Basic {CANARY}==",
        f"{{'Authorization': 'Bearer {CANARY}', 'Accept': '*/*'}}",
        f"[(b'authorization', b'Bearer {CANARY}')]",
        f"Proxy-Authorization: Digest username=me, response={CANARY}",
        f"sent Bearer {CANARY} to the server",
        f"Cookie: a=1; session={CANARY}",
        f"Set-Cookie: session={CANARY}; HttpOnly",
        f"GET https://example.test/me?key={CANARY}&x=1",
        f"redirect to /callback?state=1&code={CANARY}",
        f"grant_type=authorization_code&code={CANARY}&client_id=1",
        f"access_token={CANARY}&refresh_token={CANARY}",
        f'{{"access_token": "{CANARY}", "id_token": "{CANARY}"}}',
        f"{{'refresh_token': '{CANARY}'}}",
        f"client_secret = {CANARY}",
        f"device_code: {CANARY}",
        f'password="{CANARY} with blanks"',
    ],
)
def test_no_secret_is_written(line: str) -> None:
    assert CANARY not in log.without_secrets(line)


@pytest.mark.parametrize(
    "line",
    [
        "home: 3 records written, 1 held",
        "note 7f3a, field phones, note to record",
        "status code: 412 from https://dav.example.test/addressbooks/me/",
        "is this a question? yes",
        "exit code 69",
    ],
)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert log.without_secrets(line) == line


def test_what_surrounds_a_secret_stays() -> None:
    line = f"home: GET https://example.test/sync?token={CANARY} answered 410"
    assert log.without_secrets(line) == "home: GET https://example.test/sync?[removed] answered 410"


def test_arguments_and_tracebacks_are_gone_over_too() -> None:
    with pytest.raises(ValueError, match="refused") as caught:
        raise ValueError(f"refused: refresh_token={CANARY}")
    arguments = ("home", f"access_token={CANARY}")
    exception = (caught.type, caught.value, caught.tb)
    stream = io.StringIO()
    log.handler(stream).handle(logging.LogRecord("", logging.ERROR, "", 0, "account %s: %s", arguments, exception))
    assert CANARY not in stream.getvalue()
    assert stream.getvalue().startswith("ERROR account home: access_token=[removed]\nTraceback")
    assert stream.getvalue().endswith("ValueError: refused: refresh_token=[removed]\n")


@pytest.mark.usefixtures("root_logger")
def test_even_when_asked_for_everything_the_http_libraries_stay_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(logging.DEBUG)
    logging.getLogger("contactd").debug("home: 3 records")
    logging.getLogger("httpx").info("HTTP Request: GET https://example.test/people")
    logging.getLogger("httpcore.http11").debug("send_request_headers.started")
    assert capsys.readouterr().err == "DEBUG home: 3 records\n"
