"""The figures of the benchmark beside their limits."""

from sandbox.bench.limits import Figure, figures_table


def test_a_figure_over_its_limit_is_marked() -> None:
    figures = [
        Figure(name="requests", value=400, unit="", limit=400),
        Figure(name="memory", value=30.5, unit="MB", limit=30),
        Figure(name="ratio", value=1.02, unit=""),
    ]
    title, *lines = figures_table("History:", figures).splitlines()
    assert title == "History:"
    assert [line.split() for line in lines] == [
        ["requests", "400.00", "limit", "400"],
        ["memory", "30.50", "MB", "OVER", "THE", "LIMIT", "OF", "30"],
        ["ratio", "1.02"],
    ]
