"""The listener at the end of a sign-in: it takes one request that is ours, and nobody else's."""

import socket
import threading
from collections.abc import Mapping

import httpx
import pytest

from connectors.errors import SignInFailed
from connectors.loopback import listening


def is_ours(query: Mapping[str, str]) -> bool:
    return query.get("state") == "s3cr3t"


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False)


def test_the_browser_brings_what_the_page_gave_it_and_others_are_turned_away() -> None:
    with listening("/random") as listener:
        base = listener.redirect_uri.removesuffix("/random")
        answers: list[tuple[int, str]] = []

        def browse() -> None:
            for url, headers in (
                (f"{base}/favicon.ico", {}),
                (f"{listener.redirect_uri}?state=guessed&code=planted", {}),
                (f"{listener.redirect_uri}?state=s3cr3t&code=rebound", {"Host": "evil.example"}),
                (f"{listener.redirect_uri}?state=s3cr3t&code=4%2F0A", {}),
            ):
                answer = get(url, **headers)
                answers.append((answer.status_code, answer.text))

        browser = threading.Thread(target=browse)
        browser.start()
        found = listener.query(is_ours, 60)
        browser.join()
    assert found == {"state": "s3cr3t", "code": "4/0A"}
    assert [status for status, _ in answers] == [404, 400, 403, 200]
    assert "4/0A" not in "".join(text for _, text in answers)


def test_it_listens_on_this_machine_alone_and_is_gone_afterwards() -> None:
    with listening("/random") as listener:
        port = int(listener.redirect_uri.split(":")[2].partition("/")[0])
        assert listener.redirect_uri.startswith("http://127.0.0.1:")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with listening("/", host="localhost") as listener:
        assert listener.redirect_uri.startswith("http://localhost:")


def test_nobody_who_comes_is_told_after_the_time_limit() -> None:
    with listening("/random") as listener, pytest.raises(SignInFailed, match="begin again"):
        listener.query(is_ours, 0.01)


def test_who_connects_and_says_nothing_does_not_keep_the_browser_out() -> None:
    with listening("/random") as listener:
        port = int(listener.redirect_uri.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.sendall(b"garbage\r\n\r\n")
            browser = threading.Thread(target=get, args=(f"{listener.redirect_uri}?state=s3cr3t",))
            browser.start()
            assert listener.query(is_ours, 60) == {"state": "s3cr3t"}
            browser.join()
