"""Feeds generated malformed inputs to all that reads for some minutes, and tells what failed.

Run as `python -m tests.bench.fuzz --minutes 10`. Memory is bounded: an input that takes more fails.
"""

import resource
import time
from collections import Counter

import click
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.sources.malformed import INPUTS, check

ROUND = 100
"""Inputs of a kind in a row."""
MEMORY = 4_000_000_000
"""Bytes of address space: the libraries take most of it."""


@click.command()
@click.option("--minutes", default=10.0)
@click.option("--start", default=0, help="The first seed.")
def main(minutes: float, start: int) -> None:
    """Draws inputs until the time is over."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    end = time.monotonic() + 60 * minutes
    counts: Counter[str] = Counter()
    slowest: Counter[str] = Counter()
    failures: dict[str, str] = {}
    number = start
    while time.monotonic() < end:
        for name in INPUTS:
            if time.monotonic() > end:
                break
            try:
                _round(name, number, counts, slowest)
            except Exception as error:
                failure = f"{name}: {type(error).__name__}: {str(error)[:300]}"
                failures.setdefault(failure, str(number))
        number += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    most = ", ".join(f"{name} {ms / 1000:.1f} s" for name, ms in slowest.most_common(5))
    click.echo(f"{sum(counts.values()):,} inputs, seeds {start} to {number - 1}")
    click.echo(f"{peak:.0f} MB at most, slowest: {most}")
    for failure, at in failures.items():
        click.echo(f"seed {at}: {failure}")


def _round(name: str, number: int, counts: Counter[str], slowest: Counter[str]) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(data=st.data())
    def draw(data: st.DataObject) -> None:
        begin = time.process_time()
        counts[name] += 1
        check(name, data.draw(INPUTS[name][0]))
        slowest[name] = max(slowest[name], int(1000 * (time.process_time() - begin)))

    draw()


if __name__ == "__main__":
    main()
