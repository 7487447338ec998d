"""The HTTP client against servers on this machine: where credentials go, what is followed, what is waited for."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors import http
from connectors.errors import Misunderstood, TryLater
from connectors.http import Client, Patience, Request, TooLarge, is_loopback, origin_of

SECRET = {"Authorization": "Basic c2VjcmV0"}


def no_wait(seconds: float) -> None:
    del seconds


QUICK = Patience(connect_s=5, silence_s=0.5, whole_s=1.0, pauses_s=(0.1, 0.2))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says; `cut` bytes of the body are never sent."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server was told."""

    method: str
    path: str
    headers: dict[str, str]


Server = tuple[str, list[Seen]]


@contextmanager
def serving(replies: Iterator[Reply], host: str = "127.0.0.1", certificate: Path | None = None) -> Generator[Server]:
    """Run a server that gives these replies in turn; whoever asks beyond them is hung up on."""
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(Seen(self.command, self.path, {name.lower(): text for name, text in self.headers.items()}))
            reply = next(replies, None)
            if reply is None:
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for name, text in reply.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) - reply.cut])
            self.close_connection = reply.cut > 0

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate is not None:
        scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{scheme}://{host}:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refused_redirect(location: str) -> None:
    with (
        serving(iter([Reply(301, {"Location": location})])) as (base, seen),
        pytest.raises(Misunderstood, match="sends us on to"),
    ):
        Client(base, patience=QUICK).ask(Request("PROPFIND", f"{base}/", SECRET))
    assert len(seen) == 1


def test_a_redirect_to_another_host_is_not_followed_and_the_host_hears_nothing() -> None:
    with serving(iter([Reply()]), host="localhost") as (elsewhere, heard):
        refused_redirect(f"{elsewhere}/me/")
    assert heard == []


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "//localhost/me/",
        "https://user@127.0.0.1/",
        "https://user:word@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://[::1/",
    ],
)
def test_a_redirect_to_another_port_scheme_or_user_is_not_followed(location: str) -> None:
    refused_redirect(location)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_host_is_followed_by_what_reads(status: int) -> None:
    with serving(iter([Reply(status, {"Location": "/dav/"}), Reply(207, body=b"here")])) as (base, seen):
        answer = Client(base).ask(Request("PROPFIND", f"{base}/.well-known/carddav", SECRET, b"<propfind/>"))
    assert (answer.url, answer.status, answer.body) == (f"{base}/dav/", 207, b"here")
    assert [(each.method, each.headers["authorization"]) for each in seen] == [
        ("PROPFIND", SECRET["Authorization"])
    ] * 2


def test_a_report_and_a_write_are_not_redirected() -> None:
    moved = Reply(308, {"Location": "/elsewhere"})
    with serving(iter([moved, moved])) as (base, seen):
        client = Client(base)
        assert client.ask(Request("REPORT", f"{base}/")).status == 308
        assert client.tell(Request("PUT", f"{base}/a.vcf")).status == 308
    assert len(seen) == 2


def test_redirects_in_a_circle_end() -> None:
    with (
        serving(iter([Reply(302, {"Location": "/again"})] * 9)) as (base, seen),
        pytest.raises(Misunderstood, match="more than 3 times"),
    ):
        Client(base).ask(Request("GET", f"{base}/"))
    assert len(seen) == 4


def test_a_host_that_nobody_configured_is_sent_nothing() -> None:
    with serving(iter([Reply()])) as (base, seen):
        with pytest.raises(Misunderstood, match=r"names elsewhere\.test, where nothing was sent"):
            Client(base).ask(Request("GET", "https://elsewhere.test/"))
        assert Client("https://dav.icloud.com", kin=".icloud.com").may_send_to("https://p7-dav.icloud.com/1/")
        assert not Client("https://dav.icloud.com", kin=".icloud.com").may_send_to("https://icloud.com.test/1/")
        assert not Client("https://dav.icloud.com", kin=".icloud.com").may_send_to("http://p7-dav.icloud.com/1/")
        assert not Client("https://dav.icloud.com", kin=".icloud.com").may_send_to("https://p7-dav.icloud.com:8443/1/")
    assert seen == []


def test_another_host_of_the_provider_must_have_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(iter([Reply()])) as (base, seen):
        port = int(base.rpartition(":")[2])
        client = Client("https://dav.kin.test", kin=".kin.test", patience=QUICK)
        monkeypatch.setattr("socket.create_connection", _connected_to("127.0.0.1", port))
        with pytest.raises(Misunderstood, match="not public"):
            client.ask(Request("GET", "https://p1.kin.test/"))
        client.close()
    assert seen == []


def _connected_to(host: str, port: int) -> Callable[..., object]:
    """Return what stands for a name service that has been tampered with."""
    connect = socket.create_connection

    def tampered(address: tuple[str, int], *args: object, **kwargs: object) -> object:
        del address, args, kwargs
        return connect((host, port))

    return tampered


def test_the_environment_and_a_netrc_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath(".netrc").write_text("machine 127.0.0.1 login me password leaked\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(iter([Reply(), Reply()])) as (base, seen), serving(iter([])) as (proxy, heard):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        Client(base).ask(Request("GET", f"{base}/"))
    assert heard == []
    assert "authorization" not in seen[0].headers


def test_cookies_are_not_kept() -> None:
    with serving(iter([Reply(headers={"Set-Cookie": "session=1; Path=/"}), Reply()])) as (base, seen):
        client = Client(base)
        client.ask(Request("GET", f"{base}/"))
        client.ask(Request("GET", f"{base}/"))
    assert "cookie" not in seen[1].headers


def test_what_reads_is_asked_again_and_then_given_up() -> None:
    waits: list[float] = []
    with serving(iter([Reply(503)] * 9)) as (base, seen):
        client = Client(base, patience=QUICK, wait=waits.append)
        with pytest.raises(TryLater, match=r"127\.0\.0\.1 answered 503"):
            client.ask(Request("GET", f"{base}/"))
    assert (len(seen), waits, client.requests) == (3, [0.1, 0.2], 3)


def test_a_connection_that_breaks_is_no_answer_and_what_reads_is_asked_again() -> None:
    whole = Reply(body=b"0123456789")
    with serving(iter([Reply(body=b"0123456789", cut=3), whole])) as (base, seen):
        answer = Client(base, patience=QUICK, wait=no_wait).ask(Request("GET", f"{base}/"))
    assert (answer.body, len(seen)) == (b"0123456789", 2)


def test_what_writes_is_told_once_when_the_connection_breaks() -> None:
    with serving(iter([])) as (base, seen), pytest.raises(TryLater, match="cannot be reached"):
        Client(base, patience=QUICK).tell(Request("PUT", f"{base}/a.vcf"))
    assert len(seen) == 1


def test_what_writes_is_told_again_only_if_the_server_was_too_busy() -> None:
    waits: list[float] = []
    with serving(iter([Reply(429, {"Retry-After": "2"}), Reply(201), Reply(503)])) as (base, seen):
        client = Client(base, patience=QUICK, wait=waits.append)
        assert client.tell(Request("PUT", f"{base}/a.vcf")).status == 201
        with pytest.raises(TryLater):
            client.tell(Request("PUT", f"{base}/b.vcf"))
    assert (len(seen), waits) == (3, [2.0])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:30:00 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 120.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_long_wait_is_the_accounts(headers: dict[str, str], seconds: float | None) -> None:
    waits: list[float] = []
    with serving(iter([Reply(429, headers)] * 9)) as (base, seen), pytest.raises(TryLater) as caught:
        Client(base, patience=QUICK, wait=waits.append).ask(Request("GET", f"{base}/"))
    assert caught.value.retry_after_s == seconds
    assert len(seen) == (1 if seconds else 3)


def test_a_body_that_is_too_large_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_BYTES_MAX", 1000)
    bomb = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"0" * 10_000_000))
    with serving(iter([Reply(body=b"0" * 1001), Reply(body=b"0" * 1000), bomb])) as (base, _):
        client = Client(base, patience=QUICK)
        with pytest.raises(TooLarge):
            client.ask(Request("GET", f"{base}/"))
        assert len(client.ask(Request("GET", f"{base}/")).body) == 1000
        with pytest.raises(TooLarge):
            client.ask(Request("GET", f"{base}/"))


def test_an_error_names_the_host_and_not_the_path() -> None:
    with pytest.raises(TryLater) as caught:
        Client("http://127.0.0.1:1", patience=QUICK, wait=no_wait).ask(
            Request("GET", "http://127.0.0.1:1/ada-lovelace.vcf", SECRET)
        )
    assert "127.0.0.1 cannot be reached" in str(caught.value)
    assert "lovelace" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "dav.example.test", "ftp://a.test", "https://", "https://me:word@a.test/"])
def test_what_is_no_address_of_a_server_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no https:// address|has a user name in it"):
        origin_of(url)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [("localhost", True), ("127.9.0.1", True), ("::1", True), ("10.0.0.1", False), ("localhost.example.test", False)],
)
def test_this_machine_is_known_by_its_name(host: str, is_here: bool) -> None:
    assert is_loopback(host) == is_here


@pytest.fixture(scope="module")
def unknown_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent(
    unknown_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(iter([Reply(), Reply()]), certificate=unknown_certificate) as (base, seen):
        url = base.replace("127.0.0.1", "localhost")
        with pytest.raises(TryLater, match=r"localhost cannot be reached.*CERTIFICATE_VERIFY_FAILED"):
            Client(url, patience=QUICK, wait=no_wait).ask(Request("GET", f"{url}/", SECRET))
        assert seen == []
        # What this machine trusts is trusted.
        monkeypatch.setenv("SSL_CERT_FILE", str(unknown_certificate))
        assert Client(url, patience=QUICK).ask(Request("GET", f"{url}/", SECRET)).status == 200


def test_a_server_that_is_silent_is_not_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = Client(url, patience=QUICK, wait=no_wait)
        with pytest.raises(TryLater, match="did not answer in time"):
            client.ask(Request("GET", f"{url}/"))
        assert client.requests == 1


def test_an_answer_that_drips_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        stopped = threading.Event()

        def drip() -> None:
            connection, _ = slow.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not stopped.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{slow.getsockname()[1]}"
        client = Client(url, patience=QUICK, wait=no_wait)
        try:
            with pytest.raises(TryLater, match="took too long to send an answer"):
                client.ask(Request("GET", f"{url}/"))
        finally:
            stopped.set()
            thread.join()
