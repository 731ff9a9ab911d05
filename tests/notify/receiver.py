"""A receiver of webhooks: a real HTTP server, in a thread, that answers as a test wants it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]
"""A status and headers."""
SECONDS = 60.0
"""More than anything that is waited for takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """What a receiver got, and how it answers: with `answers` one after the other, then 200."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    holds: threading.Event | None = None
    """Each request is held until this is set."""
    came: threading.Condition = field(default_factory=threading.Condition)

    def take(self, request: Request) -> Answer:
        with self.came:
            self.requests.append(request)
            answer = self.answers.pop(0) if self.answers else (200, {})
            self.came.notify_all()
        if self.holds is not None:
            self.holds.wait(SECONDS)
        return answer

    def wait_for(self, count: int) -> list[Request]:
        """The requests, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.requests) >= count, SECONDS), self.requests
            return list(self.requests)


@contextmanager
def receiving(*answers: Answer, holds: threading.Event | None = None) -> Iterator[Receiver]:
    """A receiver that answers so; one that holds requests lets go of them at the end."""
    receiver = Receiver(answers=list(answers), holds=holds)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = receiver.take(Request(path=self.path, headers=dict(self.headers), body=body))
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                return  # the sender has gone

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield receiver
    finally:
        if holds is not None:
            holds.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def closing_at_once() -> Iterator[str]:
    """The address of a server that takes connections and closes them."""
    with _listening(lambda connection: connection.close()) as url:
        yield url


@contextmanager
def trickling(over: threading.Event) -> Iterator[str]:
    """The address of a server that sends a header a little at a time until the event is set, and never ends."""

    def trickle(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not over.wait(0.02):
                    connection.sendall(b".")
            except OSError:
                return

    with _listening(trickle) as url:
        try:
            yield url
        finally:
            over.set()


def refusing() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"http://127.0.0.1:{found.getsockname()[1]}"


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=[connection]))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
