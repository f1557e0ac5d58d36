"""
A run's own process: ``python -m planner.service.run_child RUN_ID``.

It is separate so that a solver can be killed, and so that its memory and its threads are gone
afterwards. The database's URL, the run's fleet and the lease come through the environment
(``FERMATA_DATABASE_URL``, ``FERMATA_RUN_FLEET``, ``FERMATA_RUN_OWNER``, ``FERMATA_RUN_LEASE_NUMBER``). It
ends by itself when its server does: the server holds the other end of its standard input.
"""

from __future__ import annotations

import os
import sys
import threading

DATABASE_URL = "FERMATA_DATABASE_URL"
RUN_OWNER = "FERMATA_RUN_OWNER"
RUN_LEASE_NUMBER = "FERMATA_RUN_LEASE_NUMBER"
RUN_FLEET = "FERMATA_RUN_FLEET"
SERVER_GONE = 70
STORE_AWAY = 75  # by custom: a failure that passes
NICENESS = 10  # who asks goes before who plans, where both share processors


def main() -> None:
    """Execute the run named on the command line; the outcome is written to its row."""
    from planner.service.run_execution import execute  # solvers take a second to load: not in the server
    from planner.store.errors import StoreUnavailable
    from planner.store.records import Lease
    from planner.store.store import Store

    threading.Thread(target=_end_with_server, daemon=True).start()
    os.nice(NICENESS)
    store = Store(os.environ[DATABASE_URL])
    try:
        lease = Lease(sys.argv[1], os.environ[RUN_OWNER], int(os.environ[RUN_LEASE_NUMBER]))
        execute(store.of_fleet(os.environ[RUN_FLEET]), lease)
    except StoreUnavailable as error:  # no fault of the run's: it is gone on with when the database is back
        sys.stderr.write(f"the database cannot be reached: {error}\n")
        sys.exit(STORE_AWAY)
    finally:
        store.close()


def _end_with_server() -> None:
    """The pipe is never written to: that it ends means that the server is gone."""
    os.read(sys.stdin.fileno(), 1)  # not through a buffer, whose lock would stop an orderly exit
    os._exit(SERVER_GONE)


if __name__ == "__main__":
    main()
