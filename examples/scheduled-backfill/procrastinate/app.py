"""A Procrastinate app whose workers fire crossfade's schedules and do its backfills, a slice at a time."""

import os

import procrastinate

from crossfade.fleet.procrastinate_tasks import tasks

URL = os.environ["DATABASE_URL"]

# The queue may be in any database; here it is in the one that the plan is for. Many databases: give `tasks` a list.
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL))
tasks(app, URL)
