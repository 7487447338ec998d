"""How commands speak with the service: one question and one answer, each a line of JSON, over a socket of the owner's.

The socket lies in the state's folder, or, where that path is too long for one (108 bytes, unix(7)), in the folder of
the owner's session. It is the owner's alone, and whoever connects is asked who he is.

`sync` has the service sync now and tell what it did. `borrow` has it finish what it is at and let go of the state until
the connection ends: for commands that change what the service works with.
"""

import hashlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from daemon.config_shape import is_table
from daemon.errors import AlreadyRunning

SOCKET_NAME = "service.sock"
_PATH_BYTES_MAX = 107
_LINE_BYTES_MAX = 64 << 20
_PATIENCE_S = 10.0
"""Either side is given this long to say its line; the answer itself may take as long as it takes."""

Document = Mapping[str, object]


class Line:
    """One connection to the service, with what was asked on it."""

    def __init__(self, connection: socket.socket, question: Document) -> None:
        self._connection = connection
        self.question = question
        self.answered = False

    def answer(self, document: Document) -> None:
        """Say the answer; whoever has gone away meanwhile does not hear it."""
        self.answered = True
        with suppress(OSError):
            self._connection.sendall(_line(document))

    def is_open(self) -> bool:
        """Tell whether whoever asked is still there."""
        try:
            self._connection.setblocking(False)  # noqa: FBT003  # as the socket has it
            return self._connection.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self._connection.settimeout(_PATIENCE_S)

    def close(self) -> None:
        self._connection.close()


def socket_path(state_home: Path) -> Path:
    """Return where the service of a state listens."""
    path = state_home / SOCKET_NAME
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    if len(os.fsencode(path)) <= _PATH_BYTES_MAX or not session:
        return path
    name = hashlib.blake2s(os.fsencode(state_home), digest_size=8).hexdigest()
    return Path(session) / f"contactd-{name}.sock"


@contextmanager
def listening(state_home: Path, asked: Callable[[Line], None]) -> Generator[None]:
    """Take questions for the duration of the block; `asked` is called by a thread for each.

    Shapes: the caller holds the lock of the state, so a socket that is there is a dead service's.
    Errors: `OSError` if no socket can be made there.
    """
    path = socket_path(state_home)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        umask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(umask)
        listener.listen()
        threading.Thread(target=_accept, args=(listener, asked), name="questions", daemon=True).start()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def asking(state_home: Path, question: Document) -> Generator[Document]:
    """Ask the running service, and keep the connection for the duration of the block.

    Errors: `AlreadyRunning` if whoever holds the lock is no service, or is gone before it answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(socket_path(state_home)))
            connection.sendall(_line(question))
            answer = _heard(connection)
        except OSError as error:
            raise AlreadyRunning(0) from error
        if answer is None:
            raise AlreadyRunning(0)
        yield answer


def is_answering(state_home: Path) -> bool:
    """Tell whether a service listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(socket_path(state_home)))
        except OSError:
            return False
        return True


def _accept(listener: socket.socket, asked: Callable[[Line], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            # The listener was closed.
            return
        threading.Thread(target=_take, args=(connection, asked), name="question", daemon=True).start()


def _take(connection: socket.socket, asked: Callable[[Line], None]) -> None:
    connection.settimeout(_PATIENCE_S)
    try:
        question = _heard(connection) if _is_ours(connection) else None
    except (OSError, ValueError):
        question = None
    if question is None:
        connection.close()
        return
    asked(Line(connection, question))


def _is_ours(connection: socket.socket) -> bool:
    """Tell whether the other side is the owner's. Source: unix(7), SO_PEERCRED."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return bool(uid == os.geteuid())


def _line(document: Document) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _heard(connection: socket.socket) -> Document | None:
    """Return what the other side says, None if it says nothing or nothing sensible."""
    heard = bytearray()
    while not heard.endswith(b"\n"):
        chunk = connection.recv(1 << 16)
        if not chunk or len(heard) > _LINE_BYTES_MAX:
            return None
        heard += chunk
    document = json.loads(heard)
    return document if is_table(document) else None
