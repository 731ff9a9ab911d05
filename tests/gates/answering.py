"""A local HTTP server that answers each path as a test says, and can leave a question without an answer."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; a body that is no bytes is written as JSON."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    """The head is sent, and no body."""


@dataclass(slots=True)
class Answering:
    """The server's address, what it answers by path, and what it was asked: path, query and token."""

    url: str
    replies: dict[str, Reply | Callable[[Query], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, Query, str | None]] = field(default_factory=list)


@contextmanager
def answering() -> Iterator[Answering]:
    """A server until the end of the block; a path that it does not know is a 404."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            state.asked.append((parts.path, query, self.headers.get("Authorization")))
            reply = state.replies.get(parts.path, Reply(status=404))
            reply = reply if isinstance(reply, Reply) else reply(query)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + reply.hangs))
            self.end_headers()
            self.wfile.write(body)
            if reply.hangs:
                self.wfile.flush()
                over.wait()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Answering(url=f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield state
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def unreachable() -> Iterator[str]:
    """An address at which nothing listens."""
    with answering() as server:
        url = server.url
    yield url
