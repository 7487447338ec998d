"""The emulator on a port of this machine."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from emulators.graph.service import Service


@contextmanager
def served(service: Service) -> Generator[str]:
    """Serve it until the end of the block; the value is its base address."""

    class Handler(_Handler):
        emulated = service

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.origin[0] = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{service.origin[0]}/v1.0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    emulated: Service
    protocol_version = "HTTP/1.1"
    # Without it an answer waits for the client's acknowledgement of its head.
    disable_nagle_algorithm = True
    wbufsize = -1

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = {*self.headers.keys()}
        headers = {name: ", ".join(self.headers.get_all(name, ())) for name in names}
        reply = self.emulated.serve(self.command, self.path, headers, content)
        if reply.dropped:
            self.close_connection = True
            self.connection.close()
            return
        body = reply.content()
        self.send_response_only(reply.status)
        self.send_header("Content-Type", "application/json;odata.metadata=minimal")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        del format, args
