"""A rolling deploy under the demo's traffic: a straggler, a pod that never says goodbye, a CronJob on the old image and
a stranger each keep contract out, by name; then nothing does, and no statement of the new version fails."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.demo import shop
from crossfade.demo.app import Settings
from crossfade.demo.traffic import AppProcess
from crossfade.postgres.server import EmbeddedServer

from ..fixtures.command import Cli
from ..gates.answering import Answering, answering, unreachable
from ..gates.kubernetes_objects import cron_job, pod
from ..gates.test_sources_kubernetes import CONFIG, LISTS, listed
from .users_table import RUN, await_that

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 2000
SHARES = ("pod-a", "pod-b", "pod-c")
OLD, NEW = "1.4.0", "2.0.0"
IMAGE = "registry:5000/shop/api:"
PLAN = """
crossfade: 1
name: users-email-address
apps:
  api:
    scheme: semver
    new: ">=2.0.0"
    ttl: 3s
    sources: [heartbeat, activity, kubernetes: {namespace: shop, selector: app=api}]
changes:
  - rename_column: {table: users, from: email, to: email_address}
hold: 2s
retain: 1h
"""


class Shop:
    """The shop's server, its cluster, its pods, and the command line."""

    def __init__(self, server: EmbeddedServer, cluster: Answering, cli: Cli, env: dict[str, str]) -> None:
        self.server, self.cluster, self.cli, self._env = server, cluster, cli, env
        self.jobs = f"{IMAGE}{OLD}"
        self.pods: dict[str, AppProcess] = {}
        self._versions: dict[str, str] = {}

    def start(self, instance: str, version: str) -> AppProcess:
        app = AppProcess(
            Settings(
                url=shop.app_url(self.server),
                version=version,
                instance=instance,
                column="email" if version == OLD else "email_address",
                rows=ROWS,
                share=SHARES.index(instance),
                shares=len(SHARES),
                rate=100.0,
            ),
            lambda _happening: None,
        )
        self.pods[instance] = app
        self._versions[instance] = version
        app.await_work()
        self.schedule()
        return app

    def close(self) -> None:
        """End every pod."""
        for app in self.pods.values():
            app.kill()

    def gone(self, instance: str) -> None:
        """The cluster has noticed that it ended."""
        del self._versions[instance]
        self.schedule()

    def schedule(self) -> None:
        """What the cluster says runs, or may be started."""
        pods = [pod(name, f"{IMAGE}{version}") for name, version in self._versions.items()]
        self.cluster.replies[LISTS["PodList"]] = listed("PodList", *pods)
        self.cluster.replies[LISTS["CronJobList"]] = listed("CronJobList", cron_job("nightly", self.jobs))

    def __call__(self, *arguments: str | Path) -> Any:
        return self.cli(*arguments, env=self._env)

    def blocked(self) -> str:
        """What contract says, which has to be BLOCKED."""
        done = self("contract", RUN, "--confirm", RUN)
        assert done.code == 3, done
        return str(done.stderr)

    def await_blocked(self, by: str, *, not_by: str) -> None:
        """Until what holds contract back is this and not that."""
        said = []

        def is_so() -> bool:
            said.append(self.blocked())
            return by in said[-1] and not_by not in said[-1]

        await_that(is_so, f"never blocked by {by} alone; at last: {said[-1:]}", pause=0.5)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer())
        cluster, away = stack.enter_context(answering()), stack.enter_context(unreachable())
        cluster.replies = {path: listed(kind) for kind, path in LISTS.items()}
        config = tmp_path / "config"
        config.write_text(CONFIG.format(url=cluster.url, away=away), encoding="utf-8")
        (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
        cli = Cli(shop.make_shop(server, ROWS), tmp_path)
        stack.callback(cli.close)
        found = Shop(server, cluster, cli, {"KUBECONFIG": str(config), "no_proxy": "127.0.0.1"})
        stack.callback(found.close)
        yield found


@contextmanager
def session(server: EmbeddedServer, application_name: str) -> Iterator[None]:
    url = shop.app_url(server)
    with psycopg.connect(url, autocommit=True, application_name=application_name):
        yield


@pytest.mark.long
def test_each_of_them_keeps_contract_out_by_name(opened: Shop) -> None:
    assert opened("init", "--app-role", shop.APP_ROLE).code == 0
    straggler, crashed = opened.start("pod-a", OLD), opened.start("pod-c", OLD)
    done = opened("advance", "plan.yaml", "--to", "backfilled")
    assert done.code == 0, done
    new = opened.start("pod-b", NEW)

    # Both old pods are live: the straggler that was not replaced yet, and one that is about to crash.
    said = opened.blocked()
    assert "pod-a" in said
    assert "pod-c" in said

    # It is killed, and says no goodbye: it counts until its last sighting is stale and the cluster knows.
    crashed.kill()
    assert "pod-c" in opened.blocked()
    opened.gone("pod-c")
    opened.await_blocked("pod-a", not_by="pod-c")

    # The straggler ends; the CronJob would start its image again.
    straggler.stop()
    opened.gone("pod-a")
    opened.await_blocked("nightly", not_by="pod-a")

    # The CronJob has the new image; a stranger is connected.
    opened.jobs = f"{IMAGE}{NEW}"
    opened.schedule()
    with session(opened.server, "billing@3.1.0/b-1"):
        opened.await_blocked("billing@3.1.0/b-1", not_by="nightly")

    # Nobody is left.
    done = opened("contract", RUN, "--confirm", RUN, "--wait", "60s")
    assert done.code == 0, done
    assert opened("status", RUN, "--json").json()["state"] == "retained"
    assert opened("can-i-run", "api", OLD).code == 3
    new.stop()
    failures = [str(failure) for app in opened.pods.values() for failure in app.failures()]
    assert failures == []
