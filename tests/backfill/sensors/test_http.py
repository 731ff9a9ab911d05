"""The address that is asked: what its answers mean, on a table and from a real server on the loopback interface."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.http import Asker, Observation, judge, observe

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = [
    (Observation(address="http://h/", status=200), None),
    (Observation(address="http://h/", status=204), "http://h/ answers 204, not 200"),
    (Observation(address="http://h/", status=503), "http://h/ answers 503, not 200"),
    (Observation(address="http://h/", failure="refused"), "throttle_http cannot be read: http://h/: refused"),
]


@pytest.mark.parametrize(("observation", "reason"), CASES)
def test_only_200_lets_the_batches_go_on(observation: Observation, reason: str | None) -> None:
    assert judge(observation) == reason


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path says; a redirect leads to a 200."""

    asked: list[tuple[str, str | None]]

    def do_HEAD(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(int(self.path[1:4]))
        self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@contextmanager
def answering() -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []
    handler = type("Handler", (Answering,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404, 503])
def test_the_status_is_what_counts_and_a_redirect_is_not_followed(status: int) -> None:
    with answering() as (port, asked):
        seen = observe(f"http://127.0.0.1:{port}/{status}?token=secret")
    assert seen == Observation(address=f"http://127.0.0.1:{port}/{status}", status=status)
    assert asked == [(f"/{status}?token=secret", None)]


def test_a_question_that_hangs_is_not_asked_again_and_does_not_hold_up() -> None:
    asker = Asker()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/?token=secret"
        seen = asker.ask(url)
    assert seen.failure in ("no answer yet", "no answer within 1 s")
    assert "secret" not in str(judge(seen))
    with answering() as (port, _):
        assert asker.ask(f"http://127.0.0.1:{port}/200").status == 200


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    seen = observe(f"http://127.0.0.1:{port}/?token=secret")
    assert seen == Observation(address=f"http://127.0.0.1:{port}/", failure="Connection refused")


def test_an_answer_that_does_not_come() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        seen = observe(f"http://127.0.0.1:{port}/")
    assert seen == Observation(address=f"http://127.0.0.1:{port}/", failure="no answer within 1 s")


def test_an_answer_that_is_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def answer() -> None:
            client, _ = rude.accept()
            with client:
                client.recv(4096)
                client.sendall(b"no\r\n\r\n")

        thread = Thread(target=answer)
        thread.start()
        seen = observe(f"http://127.0.0.1:{rude.getsockname()[1]}/")
        thread.join()
    assert seen.status is None
    assert judge(seen) is not None
