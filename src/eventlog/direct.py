"""One call of libpq at a time: it waits without the GIL, and hands over the whole result at once.

psycopg's cursor takes a turn at the GIL for every piece that arrives, which is dear while other
threads compute. Only for what moves very much at once, over a connection of autocommit.
"""

from collections.abc import Sequence

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from eventlog.binary import BINARY
from eventlog.database import Connection


def ask(connection: Connection, query: str, values: Sequence[bytes]) -> PGresult:
    """Run a query with parameters in text format, results in binary.

    Raises:
        psycopg.Error: what the server said.
    """
    with connection.lock:
        result = connection.pgconn.exec_params(query.encode(), values, result_format=BINARY)
    check(connection, result)
    return result


def check(connection: Connection, result: PGresult) -> None:
    """Raise what the server said, as psycopg does."""
    if result.status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        return
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(connection.pgconn.get_error_message())
    raise error_from_result(result)
