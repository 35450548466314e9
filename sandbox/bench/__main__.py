"""Command line of the benchmark, which `scripts/bench` calls."""

from sandbox.shutdown import run_until_stopped

from .comparison import EXPLANATION, compare, table


async def _print_comparison() -> None:
    print(table(await compare()))
    print(EXPLANATION)


def main() -> None:
    """Print the comparison; a signal stops it early."""
    run_until_stopped(_print_comparison())


if __name__ == "__main__":
    main()
