"""What a statement will lock, rewrite and read, foreseen from its text and the catalog, without a connection.

The one place where that knowledge lives. `Schema.of(catalog)` is the model; `Schema.foresee(sql)` gives the forecast of
one statement and the model as it leaves it, so that the statements of a program are foreseen one after the other. The
knowledge is PostgreSQL's source in tables, held against what was measured on 15 and 18. Pure.
"""

from crossfade.postgres.forecast.draft import Forecast
from crossfade.postgres.forecast.schema import Schema

__all__ = ["Forecast", "Schema"]
