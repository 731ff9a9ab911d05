"""The gate `http`: only the status and the value that the plan names pass, and nothing holds the question up."""

from __future__ import annotations

import gc
import gzip
import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from crossfade.gates.http_answer import Observation, in_words, judge, observe
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Http
from crossfade.plan.load import parse_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = parse_plan("crossfade: 1\nname: p\nchanges:\n  - rename_column: {table: t, from: a, to: b}\n", "p.yaml")
SUBJECT = Subject(run_id=1, name="p", digest="sha256:1", plan=PLAN, rows=(), created_at=NOW)
LOOK = Look(phase=Phase.CONTRACT, now=NOW, record=False)
URL = "https://status.example.com/ready"
TOKEN = "s3cret"
LONG, SHORT = "1m", "300ms"
"""A time-out that only a defect reaches, and one that is meant to be reached."""


def read(**keys: Any) -> Http:
    return Http(**{"url": URL, **keys})


def judged(body: str | bytes, **keys: Any) -> Judgement:
    return judge(Observation(status=200, body=body.encode() if isinstance(body, str) else body), read(**keys))


@pytest.mark.parametrize(
    ("observation", "verdict", "reason"),
    [
        (Observation(status=200), PASS, "answers 200"),
        (Observation(status=204), BLOCKED, "answers 204, not 200"),
        (Observation(status=302), BLOCKED, "answers 302, not 200"),
        (Observation(status=404), BLOCKED, "answers 404, not 200"),
        (Observation(status=429), ERROR, "answers 429, not 200"),
        (Observation(status=500), ERROR, "answers 500, not 200"),
        (Observation(status=503), ERROR, "answers 503, not 200"),
        (Observation(failure="Connection refused"), ERROR, ": Connection refused"),
        (Observation(), ERROR, ": None"),
    ],
)
def test_only_the_status_of_the_plan_passes(observation: Observation, verdict: Verdict, reason: str) -> None:
    judgement = judge(observation, read())
    assert (judgement.verdict, judgement.reason.replace(URL, "").strip()) == (verdict, reason)
    if observation.status is not None:
        assert judge(observation, read(status=observation.status)).verdict is PASS


@pytest.mark.parametrize(
    ("value", "equals", "verdict"),
    [
        ("true", True, PASS),
        ("false", True, BLOCKED),
        ("1", True, BLOCKED),
        ("1.0", True, BLOCKED),
        ('"true"', True, BLOCKED),
        ("null", True, UNKNOWN),
        ("[true]", True, BLOCKED),
        ("{}", True, BLOCKED),
        ("false", False, PASS),
        ("0", False, BLOCKED),
        ('""', False, BLOCKED),
        ("null", False, UNKNOWN),
        ("1", 1, PASS),
        ("1.0", 1, BLOCKED),
        ("true", 1, BLOCKED),
        ('"1"', 1, BLOCKED),
        ("false", 0, BLOCKED),
        ("-0", 0, PASS),
        ('"green"', "green", PASS),
        ('"Green"', "green", BLOCKED),
        ('"gr\\u0065en"', "green", PASS),
        ('"green "', "green", BLOCKED),
        ('"2"', "2", PASS),
        ("2", "2", BLOCKED),
        ("1e999", 1, BLOCKED),
        ("1e999", "Infinity", BLOCKED),
    ],
)
def test_a_value_passes_if_type_and_value_are_the_plans(value: str, equals: Any, verdict: Verdict) -> None:
    judgement = judged(f'{{"ready": {value}}}', path="ready", equals=equals)
    assert judgement.verdict is verdict
    assert judgement.evidence["path"] == "ready"


DOCUMENT = json.dumps(
    {
        "a": {"b": [{"c": True}, True], "0": True, "text": "true", "": True, "n": 1},
        "list": [[True, False], True],
        "none": None,
    }
)


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("a.b.0.c", PASS),
        ("a.b.1", PASS),
        ("a.0", PASS),
        ("list.0.0", PASS),
        ("list.0.1", BLOCKED),
        ("a.", PASS),
        ("a.b", BLOCKED),
        ("b", UNKNOWN),
        ("a.b.c", UNKNOWN),
        ("a.b.2", UNKNOWN),
        ("a.b.-1", UNKNOWN),
        ("a.b.+1", UNKNOWN),
        ("a.b. 1", UNKNOWN),
        ("a.b.1_", UNKNOWN),
        ("a.b.٠.c", UNKNOWN),
        ("a.b.²", UNKNOWN),
        ("a.b." + "9" * 900, UNKNOWN),
        ("a.text.0", UNKNOWN),
        ("a.n.0", UNKNOWN),
        ("none.x", UNKNOWN),
        ("none", UNKNOWN),
        (".", UNKNOWN),
        ("a..b", UNKNOWN),
    ],
)
def test_a_path_leads_through_names_and_positions(path: str, verdict: Verdict) -> None:
    assert judged(DOCUMENT, path=path).verdict is verdict


@pytest.mark.parametrize("document", ["[true]", '{"0": true}'])
def test_a_path_may_begin_with_a_position(document: str) -> None:
    assert judged(document, path="0").verdict is PASS


@pytest.mark.parametrize(
    "body",
    [
        "",
        "ready",
        "<html>true</html>",
        '{"ready": true',
        '{"ready": true} {"ready": true}',
        "{'ready': true}",
        '{"ready": NaN}',
        '{"ready": true, "load": NaN}',
        '{"ready": Infinity}',
        '{"ready": -Infinity}',
        '{"ready": false, "ready": true}',
        '{"ready": true, "other": {"x": 1, "x": 1}}',
        b'{"ready": true, "name": "\xff"}',
        b'\xef\xbb\xbf{"ready": true}',
        '{"ready": true}'.encode("utf-16"),
        "[" * 100_000,
        '{"ready":' * 100_000,
        '{"ready": true, "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"ready": true, "many": ' + "9" * 5000 + "}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_json_or_can_be_read_in_two_ways_is_an_error(body: str | bytes) -> None:
    judgement = judged(body, path="ready")
    assert judgement.verdict is ERROR
    assert "JSON" in judgement.reason


def test_a_long_value_is_cut_where_it_is_shown() -> None:
    judgement = judged(json.dumps({"ready": "x" * 10_000}), path="ready", equals="x")
    assert judgement.verdict is BLOCKED
    assert len(judgement.reason) < 300
    assert len(judgement.evidence["value"]) == 100


class Answering:
    """A server that does with every connection what the test says, and keeps what was asked."""

    def __init__(self, talk: Callable[[socket.socket, threading.Event], None], context: ssl.SSLContext | None) -> None:
        self.requests: list[bytes] = []
        self._talk, self._context = talk, context
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def url(self, path: str = "/ready") -> str:
        scheme = "https" if self._context else "http"
        return f"{scheme}://127.0.0.1:{self._port}{path}"

    def stop(self) -> None:
        self.over.set()
        # A listener that is shut down wakes whoever waits for the next connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._answer, args=[connection]))
            self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(connection.recv(65536))
                self._talk(connection, self.over)


Talk: TypeAlias = "Callable[[socket.socket, threading.Event], None]"


@contextmanager
def serving(talk: bytes | Talk, context: ssl.SSLContext | None = None) -> Iterator[Answering]:
    """A server that sends these bytes, or does this."""

    def send(connection: socket.socket, _over: threading.Event) -> None:
        assert isinstance(talk, bytes)
        connection.sendall(talk)

    server = Answering(send if isinstance(talk, bytes) else talk, context)
    try:
        yield server
    finally:
        server.stop()


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def ask(url: str, **keys: Any) -> Judgement:
    entry = Http(**{"url": url, "timeout": LONG, **keys})
    judgement = judge(observe(SUBJECT, entry, LOOK), entry)
    assert TOKEN not in judgement.reason + json.dumps(judgement.evidence)
    return judgement


READY = answer(b'{"checks": [{"ready": true}]}')
AT = {"path": "checks.0.ready"}


@pytest.mark.parametrize(
    ("sent", "keys", "verdict"),
    [
        (READY, {}, PASS),
        (READY, AT, PASS),
        (READY, {**AT, "equals": False}, BLOCKED),
        (READY, {"path": "ready"}, UNKNOWN),
        (READY, {**AT, "status": 204}, BLOCKED),
        (b"HTTP/1.1 204 No Content\r\n\r\n", {"status": 204}, PASS),
        (b"HTTP/1.1 204 No Content\r\n\r\n", {**AT, "status": 204}, ERROR),
        (answer(b"", "404 Not Found"), {"status": 404}, PASS),
        (answer(b"", "503 Service Unavailable"), {}, ERROR),
        (answer(b"no JSON"), AT, ERROR),
        (answer(b"no JSON"), {}, PASS),
        (answer(b'{"ready": true', "200 OK"), {"path": "ready"}, ERROR),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"ready": true}', {"path": "ready"}, ERROR),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{"ready": true}\r\n', {"path": "ready"}, ERROR),
        (b'HTTP/1.1 200 OK\r\n\r\n{"ready": true}', {"path": "ready"}, PASS),
        (b"", {}, ERROR),
        (b"HTTP/1.1 20", {}, ERROR),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {}, ERROR),
        (b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000, {}, ERROR),
    ],
)
def test_a_real_answer_is_judged(sent: bytes, keys: dict[str, Any], verdict: Verdict) -> None:
    with serving(sent) as server:
        found = ask(server.url(), **keys)
    assert found.verdict is verdict
    assert server.requests[0].startswith(b"GET /ready HTTP/1.1\r\n")


def test_a_redirect_is_not_followed() -> None:
    with serving(READY) as there:
        with serving(answer(b"", "302 Found", f"Location: {there.url()}")) as here:
            assert ask(here.url()).reason.endswith("/ready answers 302, not 200")
            assert ask(here.url(), status=302).verdict is PASS
        assert there.requests == []


def test_the_query_is_sent_and_never_shown_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    query = f"/ready?token={TOKEN}&q=a%20b"
    with serving(READY) as server:
        assert ask(server.url(query)).reason == f"{server.url()} answers 200"
        assert ask(server.url(query), path="x").verdict is UNKNOWN
    assert {r.split(b"\r\n")[0] for r in server.requests} == {f"GET {query} HTTP/1.1".encode()}
    said = [r for r in caplog.records if r.levelno >= logging.INFO]
    assert said
    assert not [r for r in said if TOKEN in r.getMessage()]
    # What is no HTTP is repeated by the library in its own words.
    with serving(lambda c, _: c.sendall(f"GET {query}\r\n\r\n".encode())) as echo:
        assert "does not speak HTTP" in ask(echo.url(query)).reason
    assert TOKEN not in in_words(Http(url=f"https://h/p?token={TOKEN}"))
    assert TOKEN not in ask(f"http://127.0.0.1:1/?token={TOKEN}").reason


def test_more_than_a_megabyte_is_not_read() -> None:
    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"[" * 65536)

    with serving(flood) as server:
        assert ask(server.url(), path="ready").reason.endswith(": the answer is larger than 1 MB")
        assert ask(server.url()).verdict is PASS
    exact = b'{"ready": true}'.ljust(1 << 20)
    with serving(answer(exact)) as server:
        assert ask(server.url(), path="ready").verdict is PASS
    with serving(answer(exact + b" ")) as server:
        assert ask(server.url(), path="ready").verdict is ERROR


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_answer_is_neither_asked_for_nor_unpacked(encoding: str) -> None:
    with serving(answer(gzip.compress(b'{"ready": true}'), "200 OK", f"Content-Encoding: {encoding}")) as server:
        found = ask(server.url(), path="ready")
        assert ask(server.url()).verdict is PASS
    assert (found.verdict, "compressed" in found.reason) == (ERROR, True)
    assert b"accept-encoding: identity\r\n" in server.requests[0].lower()
    with serving(answer(b'{"ready": true}', "200 OK", "Content-Encoding: Identity")) as server:
        assert ask(server.url(), path="ready").verdict is PASS


def waits(sent: bytes, drip: bytes = b"") -> Talk:
    """Send this, then a drop again and again until the test is over."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(sent)
        while not over.wait(0.02):
            connection.sendall(drip)

    return talk


@pytest.mark.long
@pytest.mark.parametrize(
    "talk",
    [
        waits(b""),
        waits(b"HTTP/1.1 200 OK\r\nX-A: "),
        waits(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        waits(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        waits(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"ready": true}'),
        waits(b'HTTP/1.1 200 OK\r\n\r\n{"ready": true}'),
        waits(b'HTTP/1.1 200 OK\r\n\r\n{"ready": true}', b" "),
        waits(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=[
        "silence",
        "half a header",
        "drips a header",
        "drips 102s",
        "half a body",
        "open end",
        "drips",
        "drips chunks",
    ],
)
def test_whoever_hangs_or_drips_is_left_once_the_time_is_over(talk: Talk) -> None:
    with serving(talk) as server:
        found = ask(server.url(), path="ready", timeout=SHORT)
    assert (found.verdict, found.reason) == (ERROR, f"{server.url()}: no answer within 300ms")


def test_a_tls_handshake_that_hangs_is_left_too() -> None:
    with serving(waits(b"")) as server:
        found = ask(server.url().replace("http:", "https:"), timeout=SHORT)
    # A connection that is left open makes the test fail with a warning.
    gc.collect()
    assert (found.verdict, "no answer within 300ms" in found.reason) == (ERROR, True)


def test_a_connection_that_nobody_takes_is_left_too() -> None:
    with ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = open_sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        assert ask(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=SHORT).verdict is ERROR


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's certificate that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    place: Path = tmp_path_factory.mktemp("tls")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", place / "key", "-out", place / "cert"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert", place / "key")
    return context


def test_a_certificate_that_nobody_vouches_for_is_an_error(certificate: ssl.SSLContext) -> None:
    with serving(READY, certificate) as server:
        found = ask(server.url(f"/ready?token={TOKEN}"))
    assert (found.verdict, "certificate verify failed" in found.reason) == (ERROR, True)
    assert server.requests == []


def test_what_cannot_be_reached_is_an_error_in_the_systems_words() -> None:
    with serving(READY) as server:
        url = server.url(f"/?token={TOKEN}")
    assert ask(url).reason == f"{server.url('/')}: Connection refused"
    unknown = ask(f"http://nowhere.invalid/?token={TOKEN}")
    assert unknown.verdict is ERROR
    assert "name" in unknown.reason.split("invalid/: ")[1].lower()
    with serving(READY) as server:
        assert ask(server.url().replace("http:", "https:")).verdict is ERROR


@pytest.mark.parametrize("proxy", ["nonsense://h", "http://[::1", "http://127.0.0.1:1"])
def test_a_proxy_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert ask(f"http://nowhere.invalid/?token={TOKEN}").verdict is ERROR


def test_in_words_it_is_the_address_the_status_and_the_value() -> None:
    assert in_words(read()) == f"{URL} answers 200"
    assert in_words(read(status=204)) == f"{URL} answers 204"
    assert in_words(read(path="a.0", equals="green")) == f'{URL} answers 200 with a.0 "green"'
    assert in_words(read(path="ready")) == f"{URL} answers 200 with ready true"
