"""The signature: what a receiver computes from the header and the body, with tools of its own."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import Any

import pytest

from crossfade.notify.signature import signature

from ..docs.pages import DOCS, fences


def test_it_is_a_known_one() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
    assert signature("key", 1700000000, b'{"a":1}') == (
        "t=1700000000,v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03"
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("body", [b"", b'{"a":1}', "ü\n".encode()])
def test_openssl_gives_the_same(body: bytes) -> None:
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", "key"], input=b"1700000000." + body, capture_output=True, check=True
    )
    assert signature("key", 1700000000, body) == f"t=1700000000,v1={done.stdout.decode().split()[-1]}"


def test_another_key_time_or_body_gives_another() -> None:
    all_of = {signature(secret, at, body) for secret in ("key", "kez") for at in (1, 2) for body in (b"a", b"b")}
    assert len(all_of) == 8


def test_what_the_page_tells_a_receiver_to_do_accepts_it_and_nothing_else() -> None:
    shown: dict[str, Any] = {}
    (code,) = fences(DOCS / "howto" / "notifications.md", "python")
    exec(code, shown)
    now, body = int(time.time()), '{"a": "ü"}'.encode()
    assert shown["is_genuine"](signature("key", now, body), body, "key")
    assert not shown["is_genuine"](signature("key", now, body), body + b" ", "key")
    assert not shown["is_genuine"](signature("another", now, body), body, "key")
    assert not shown["is_genuine"](signature("key", now - 3600, body), body, "key")
