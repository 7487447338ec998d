"""The HTTP client: what every request to a provider keeps to.

Credentials and contents go to the host that the owner configured, and nowhere else. So redirects are followed by hand,
and only where nothing is written; cookies are not kept; no environment variable and no `.netrc` has a say. A host that
the owner did not name himself, but whose name ends as the provider's do, must have a public address.

Time, size and repetitions are bounded: an answer that is too large or too slow is cut off, never taken for whole. What
only reads is asked again a few times; what writes is told once, since nobody knows whether it arrived.

Source: RFC 9110 sections 10.2.3 (Retry-After) and 15.4 (redirects); httpx.
"""

import ipaddress
import re
import ssl
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urljoin, urlsplit

from connectors.errors import ConnectorError, Misunderstood, TryLater

if TYPE_CHECKING:
    # Importing it takes longer than a sync that finds nothing to do: it waits until something is asked.
    import httpx
    from httpcore import NetworkStream

BODY_BYTES_MAX = 64 * 1024 * 1024
"""Of one answer, unpacked: a listing of more than 100,000 records, or 60 of the largest photos."""

REDIRECTS_MAX = 3

_FOLLOWED = frozenset({"GET", "PROPFIND"})
_REDIRECTS = frozenset({301, 302, 307, 308})
_BUSY = frozenset({429, 500, 502, 503, 504})
_PORTS = {"http": 80, "https": 443}
_USER_AGENT = "contactd"
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


class ServerFailed(TryLater):
    """The server answered 500, again and again: perhaps it chokes on what was asked for. Ask for less at once."""


class _Broken(TryLater):
    """No answer, because there was no connection or it broke."""


class TooLarge(ConnectorError):
    """The answer is larger than `BODY_BYTES_MAX`: ask for less at once, or do without."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where requests go (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """Return a URL's origin.

    Errors: `ValueError` for what is no http or https URL, or names a user.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("is no https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("has a user name in it")
    return Origin(parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole; `url` is what answered in the end, the names of `headers` are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited: for a connection, for the next bytes, for a whole answer, and before asking again.

    `retry_after_s_max` is the longest wait that a server is granted at once; beyond it the account is left alone.
    """

    connect_s: float = 10.0
    silence_s: float = 120.0
    whole_s: float = 300.0
    pauses_s: tuple[float, ...] = (0.5, 2.0)
    retry_after_s_max: float = 10.0


PATIENCE = Patience()


class Client:
    """Sends requests to one configured origin, over connections that are kept.

    Shapes: `base` is a URL of that origin. `kin` is the end of the names of the provider's other hosts, as
    `.icloud.com`, "" if it has none. `ca_file` names an authority that is trusted besides. `wait` is given seconds to
    sleep.
    """

    def __init__(
        self,
        base: str,
        *,
        kin: str = "",
        ca_file: Path | None = None,
        patience: Patience = PATIENCE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.origin = origin_of(base)
        self.requests = 0
        """How many were sent so far."""
        self._kin = kin
        self._ca_file = ca_file
        self._patience = patience
        self._wait = wait
        self._transport: httpx.HTTPTransport | None = None

    def ask(self, request: Request) -> Answer:
        """Send what reads and changes nothing: again if need be, and after a redirect of GET or PROPFIND.

        Result: any answer but those that say to try later.
        Errors: `TryLater`, `TooLarge`; `Misunderstood` for a redirect that is not to be followed.
        """
        for _ in range(REDIRECTS_MAX + 1):
            answer = self._asked(request)
            if answer.status not in _REDIRECTS or request.method not in _FOLLOWED:
                return answer
            request = replace(request, url=self._target(answer))
        raise Misunderstood(f"{self.origin.host} redirects more than {REDIRECTS_MAX} times", "")

    def tell(self, request: Request) -> Answer:
        """Send what writes: once, unless the server says that it was too busy to look at it; never redirected.

        Result: any answer but those that say to try later.
        Errors: `TryLater`, after which it may or may not have been done; `TooLarge`, after which it was.
        """
        answer = self._sent(request)
        for pause_s in self._patience.pauses_s:
            if answer.status != 429:
                break
            self._pause(answer, pause_s)
            answer = self._sent(request)
        self._check_not_busy(answer)
        return answer

    def may_send_to(self, url: str) -> bool:
        """Tell whether a URL is at the configured origin, at its safe variant, or at another host of the provider."""
        try:
            target = origin_of(url)
        except ValueError:
            return False
        if target == self.origin:
            return True
        is_kin = bool(self._kin) and target.host.endswith(self._kin) and target.port == 443
        return target.scheme == "https" and (target.host == self.origin.host or is_kin)

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _asked(self, request: Request) -> Answer:
        for pause_s in self._patience.pauses_s:
            try:
                answer = self._sent(request)
            except _Broken:
                self._wait(pause_s)
                continue
            if answer.status not in _BUSY:
                return answer
            self._pause(answer, pause_s)
        answer = self._sent(request)
        self._check_not_busy(answer)
        return answer

    def _pause(self, answer: Answer, pause_s: float) -> None:
        """Wait as long as the server asks for; if that is too long, give up."""
        asked_s = _retry_after_s(answer)
        if (asked_s or 0.0) > self._patience.retry_after_s_max:
            self._check_not_busy(answer)
        self._wait(pause_s if asked_s is None else asked_s)

    def _check_not_busy(self, answer: Answer) -> None:
        if answer.status == 500:
            raise ServerFailed(f"{self.origin.host} answered {answer.status}", _retry_after_s(answer))
        if answer.status in _BUSY:
            raise TryLater(f"{self.origin.host} answered {answer.status}", _retry_after_s(answer))

    def _target(self, answer: Answer) -> str:
        said = answer.headers.get("location", "")
        try:
            target = urljoin(answer.url, said)
        except ValueError:
            target = said
        if self.may_send_to(target):
            return target
        raise Misunderstood(
            f"{self.origin.host} sends us on to {_origin_of(target)}, where nothing was sent; "
            "if that is where the account is, configure that address as its `url`",
            "",
        )

    def _sent(self, request: Request) -> Answer:
        if not self.may_send_to(request.url):
            raise Misunderstood(f"{self.origin.host} names {_host_of(request.url)}, where nothing was sent", "")
        import httpx  # noqa: PLC0415  # see above

        self.requests += 1
        try:
            return self._exchanged(self._opened(), request)
        except httpx.TimeoutException as error:
            # It may still be at work on it, and asking again would only give it more of that.
            raise TryLater(f"{_host_of(request.url)} did not answer in time", None) from error
        except httpx.TransportError as error:
            raise _Broken(f"{_host_of(request.url)} cannot be reached: {_reason(error)}", None) from error
        except httpx.DecodingError as error:
            raise TryLater(f"{_host_of(request.url)} sent an answer that cannot be unpacked", None) from error
        except httpx.InvalidURL as error:
            raise Misunderstood(f"{self.origin.host} names an address that is none", "") from error

    def _exchanged(self, transport: "httpx.HTTPTransport", request: Request) -> Answer:
        import httpx  # noqa: PLC0415  # see above

        deadline = time.monotonic() + self._patience.whole_s
        extensions: dict[str, object] = {"timeout": self._timeouts()}
        if urlsplit(request.url).hostname != self.origin.host:
            extensions["trace"] = _refuse_private
        headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip", **request.headers}
        sent = httpx.Request(
            request.method, request.url, headers=headers, content=request.body or None, extensions=extensions
        )
        with closing(transport.handle_request(sent)) as response:
            body = self._body(response, deadline)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(request.url, response.status_code, names, body)

    def _body(self, response: "httpx.Response", deadline: float) -> bytes:
        chunks: list[bytes] = []
        size_bytes = 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size_bytes += len(chunk)
            if size_bytes > BODY_BYTES_MAX:
                raise TooLarge(f"{self.origin.host} sent more than {BODY_BYTES_MAX // 1024**2} MiB in one answer")
            if time.monotonic() > deadline:
                raise TryLater(f"{self.origin.host} took too long to send an answer", None)
        return b"".join(chunks)

    def _timeouts(self) -> Mapping[str, float]:
        silence_s = self._patience.silence_s
        return {"connect": self._patience.connect_s, "read": silence_s, "write": silence_s, "pool": silence_s}

    def _opened(self) -> "httpx.HTTPTransport":
        if self._transport is None:
            import httpx  # noqa: PLC0415  # see above

            # Only what carries requests: a whole client would keep cookies, read `.netrc` and judge redirects itself.
            limits = httpx.Limits(max_connections=4, max_keepalive_connections=2)
            self._transport = httpx.HTTPTransport(
                verify=_tls(self.origin, self._ca_file), trust_env=False, limits=limits
            )
            # Connectors are simply let go of; their connections must not stay open for that.
            weakref.finalize(self, self._transport.close)
        return self._transport


def _tls(origin: Origin, ca_file: Path | None) -> ssl.SSLContext:
    if origin.scheme == "http":
        # Nothing can be verified with it, so nothing can be reached by it either; certificates take long to read.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import certifi  # noqa: PLC0415  # comes with httpx

    # What this machine trusts, for those who run a server of their own; a minimal system trusts nobody.
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _refuse_private(event: str, details: Mapping[str, object]) -> None:
    """Let go of a connection to an address that is not public, before anything is sent on it."""
    if event != "connection.connect_tcp.complete":
        return
    stream = cast("NetworkStream", details["return_value"])
    address = stream.get_extra_info("server_addr")
    if not ipaddress.ip_address(address[0].partition("%")[0]).is_global:
        stream.close()
        raise Misunderstood("a host that the owner did not configure has an address that is not public", "")


def _retry_after_s(answer: Answer) -> float | None:
    """Return how long the server asks to wait; a date is compared with the server's own clock, not with ours."""
    said = answer.headers.get("retry-after", "").strip()
    # Microsoft's have decimals at times.
    if _SECONDS.fullmatch(said) is not None:
        return float(said)
    try:
        waited = parsedate_to_datetime(said) - parsedate_to_datetime(answer.headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(waited.total_seconds(), 0.0)


def _host_of(url: str) -> str:
    """Return only the host: the rest of a URL may name people."""
    try:
        return urlsplit(url).hostname or "nowhere"
    except ValueError:
        return "nowhere"


def _origin_of(url: str) -> str:
    """Return a URL without what may name people."""
    try:
        origin = origin_of(url)
    except ValueError:
        return _host_of(url)
    return f"{origin.scheme}://{origin.host}:{origin.port}"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
