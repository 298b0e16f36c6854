"""A stand-in for clamd, which lies outside this machine: it takes PING and INSTREAM and finds one thing, the EICAR test
file. What is too long for it gets no verdict, as with clamd.

    python -m service.core.standin_scanner --port 9353

For trying settings out and for the contract tests; it protects nobody.
"""

import argparse
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# In two pieces, so that no antivirus takes this file for what it speaks of.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
FOUND = "Win.Test.EICAR_HDB-1"
_LONGEST = 64 * 1024 * 1024


class _Session(socketserver.StreamRequestHandler):
    timeout = 30
    server: "_Server"

    def handle(self) -> None:
        command = b""
        while not command.endswith(b"\0") and (byte := self.rfile.read(1)):
            command += byte
        if command == b"zPING\0":
            self.wfile.write(b"PONG\0")
            return
        if command != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        content = bytearray()
        while (size := struct.unpack(">I", self.rfile.read(4))[0]) > 0:
            content += self.rfile.read(size)
            if len(content) > self.server.longest:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        told = f"stream: {FOUND} FOUND" if EICAR in content else "stream: OK"
        self.wfile.write(told.encode() + b"\0")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    longest = _LONGEST

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a line that was cut."""


@contextmanager
def scanner_at(port: int = 0, *, longest: int = _LONGEST) -> Iterator[str]:
    """Serve on loopback while the block runs; yields the address. Port 0 is any that is free. `longest` in bytes: what
    is longer gets no verdict, as beyond clamd's StreamMaxLength."""

    with _Server(("127.0.0.1", port), _Session) as server:
        server.longest = longest
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=9353)
    with scanner_at(options.parse_args().port) as address:
        print(f"HOTLINE_SCANNER={address}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
