"""The api, version 2: it knows the column `email_address` only.

Runs until SIGTERM, and exits with 1 if any statement failed: python api_v2.py --instance api-1
"""

import argparse
import os
import random
import signal
import sys
import threading
import time

import psycopg

APP, VERSION = "api", "2.0.0"

SIGN_UP = "INSERT INTO users (email_address) VALUES (%s) ON CONFLICT DO NOTHING"
MOVE = "UPDATE users SET email_address = %s WHERE id = %s"
VISIT = "UPDATE users SET visits = visits + 1 WHERE id = %s"
LOOK_UP = "SELECT id, email_address, visits FROM users WHERE id = %s"

stop = threading.Event()


def connect():
    # The application_name is the second way in which crossfade sees which version is live.
    return psycopg.connect(os.environ.get("DATABASE_URL", ""), autocommit=True, application_name=f"{APP}@{VERSION}")


def report_version(instance, seconds):
    """Say that this instance is live, every few seconds. That it cannot be said is never a reason to stop serving."""
    while not stop.is_set():
        try:
            with connect() as connection:
                while not stop.is_set():
                    connection.execute("SELECT crossfade.heartbeat(%s, %s, %s)", [APP, VERSION, instance])
                    stop.wait(seconds)
        except psycopg.Error as error:
            print(f"heartbeat: {error}", file=sys.stderr)
            stop.wait(seconds)


def serve(connection, instance):
    """What the api does all day; one round of it."""
    user = random.randint(1, 20_000)
    address = f"{instance}-{time.time_ns()}@example.org"
    connection.execute(SIGN_UP, [address])
    connection.execute(MOVE, ["moved-" + address, user])
    connection.execute(VISIT, [user])
    _, found, _ = connection.execute(LOOK_UP, [user]).fetchone()
    if found is None:
        raise RuntimeError(f"user {user} has lost the address")
    return 4


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--instance", default=f"api-{os.getpid()}")
    options.add_argument("--heartbeat", type=float, default=5, metavar="SECONDS")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    threading.Thread(target=report_version, args=(given.instance, given.heartbeat), daemon=True).start()
    statements = failed = 0
    with connect() as connection:
        print(f"{APP} {VERSION} {given.instance} serves", flush=True)
        while not stop.wait(0.01):
            try:
                statements += serve(connection, given.instance)
            except (psycopg.Error, RuntimeError) as error:
                failed += 1
                print(f"failed: {error}", file=sys.stderr, flush=True)
    print(f"{APP} {VERSION} {given.instance}: {statements} statements, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
