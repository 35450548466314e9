"""Prints the comparison."""

import asyncio

from .comparison import EXPLANATION, compare, table


def main() -> None:
    """Print the comparison."""
    print(table(asyncio.run(compare())))
    print(EXPLANATION)


if __name__ == "__main__":
    main()
