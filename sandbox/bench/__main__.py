"""Command line of the benchmark, which `scripts/bench` calls."""

import sys

from sandbox.shutdown import run_until_stopped

from .archive import archive_table
from .comparison import EXPLANATION, compare, table
from .history import history_table, measure_history
from .scale import scale_table


async def _print_comparison() -> None:
    print(table(await compare()))
    print(EXPLANATION)
    print(archive_table())
    print(await scale_table())
    print(history_table(await measure_history()))


def main() -> None:
    """Print the comparison, and the figures of the archive, of payments and of the history."""
    if run_until_stopped(_print_comparison()):
        sys.exit("Stopped before all measurements were complete.")


if __name__ == "__main__":
    main()
