"""What the stand-ins for outside parties share: a small server on loopback that takes POSTs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LONGEST_BODY = 64 * 1024

# Path, headers by their names in small letters, body → status, and the body of the answer (JSON).
Answer = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]


@contextmanager
def serve(answer: Answer, port: int = 0) -> Iterator[str]:
    """Answer POSTs while the block runs; yields the address. Port 0 is any that is free."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0")), _LONGEST_BODY)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = answer(self.path, headers, self.rfile.read(length))
            self.send_response(status)
            if body:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
            """Says nothing: a request's line may hold a token."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
