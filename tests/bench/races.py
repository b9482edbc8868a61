"""Two commands at once: each held before each of its requests while another one runs whole.

python -m tests.bench.races                          # every request
python -m tests.bench.races --jobs 2 --minutes 60    # as many as there is time for, evenly drawn

A row a pair and state of the lease: races, races in which the second command went through, those in
which the first one did, and polls at which a user did not get all documents (there must be none).
At last Vespa's own code says what it demands of each change from package to package that came up.
"""

import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise, product
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple
from unittest import mock

import click
from tqdm import tqdm

from stages.lib.core.seeds import digest
from stages.lib.vespa.package.manifest import MANIFEST
from tests.vespa.deployments import deploy, field_of, live, packed
from tests.vespa.judge import Judge, Unavailable, build
from tests.vespa.racing import COMMANDS, Race
from tests.vespa.standin import StandIn
from tests.vespa.standin.package import Package
from tests.vespa.workspace import TEXTS, Workspace, check, write_workspace

Changes = set[tuple[str, str]]
"""From package to package, by their folders' names."""


class Point(NamedTuple):
    """A race: before which of its requests the first command is held."""

    leases: bool
    first: str
    second: str
    at: int


class Course:
    """Some stand-ins with two models; and two workspaces: one has the second model, one a third.

    What is deployed is kept in `packages`, a folder each, named by hash.
    """

    def __init__(self, vespa: StandIn, one: Workspace, other: Workspace, packages: Path) -> None:
        self._one, self._other, self._packages = one, other, packages
        self._state = Race(vespa).state
        self._idle: SimpleQueue[Race] = SimpleQueue()

    def add(self, vespa: StandIn) -> None:
        """One more at which somebody can race."""
        self._idle.put(Race(vespa, self._state))

    @contextmanager
    def _race(self) -> Iterator[Race]:
        race = self._idle.get()
        yield race
        self._idle.put(race)

    def requests(self) -> dict[str, int]:
        """How many requests each command makes alone."""
        with self._race() as race:
            return {name: len(race.requests(run, self._other)) for name, run in COMMANDS.items()}

    def run(self, point: Point) -> tuple[Counter[str], Changes]:
        """Races, and checks how it ended: what went through, polls without all documents."""
        first, second = COMMANDS[point.first], COMMANDS[point.second]
        with self._race() as race:
            found = race.run(first, self._other, point.at, second, self._one, point.leases)
            stored = race.vespa.container.vectors[field_of(live(race.vespa))]
            changes = set(pairwise(map(self._kept, race.vespa.sessions)))
        ends = {"first": found.first, "second": found.second or (1, "")}
        for code, output in ends.values():
            assert code in (0, 1), (point, output)
            assert "Traceback" not in output, (point, output)
        through = {name: int(code == 0) for name, (code, _) in ends.items()}
        assert any(through.values()), (point, found)
        assert len(stored) == len(TEXTS), (point, found)
        return Counter(through | {"faults": len(found.faults), "races": 1}), changes

    def _kept(self, package: Package) -> str:
        """Writes a package; manifests differ in each run, and are nothing to Vespa."""
        files = {name: text for name, text in sorted(package.files.items()) if name != MANIFEST}
        name = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
        if not (self._packages / name).exists():
            written = Path(tempfile.mkdtemp(dir=self._packages))
            for path, content in files.items():
                (written / path).parent.mkdir(parents=True, exist_ok=True)
                (written / path).write_bytes(content)
            with suppress(OSError):  # another process was first
                written.rename(self._packages / name)
        return name


@click.command()
@click.option("--jobs", default=1, show_default=True, help="Races at a time.")
@click.option("--minutes", type=float, help="Begins no race after this time.  [default: all]")
def main(jobs: int, minutes: float | None) -> None:
    """Race every command against every other one."""
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        course = Course(*stack.enter_context(installed(folder)), folder / "packages")
        for _ in range(jobs):
            vespa = StandIn().start()
            stack.callback(vespa.stop)
            course.add(vespa)
        requests = course.requests()
        click.echo("requests: " + ", ".join(f"{name} {each}" for name, each in requests.items()))
        points = [
            Point(kept, first, second, at)
            for kept, first, second in product((True, False), COMMANDS, COMMANDS)
            for at in range(requests[first])
        ]
        points.sort(key=lambda point: digest(1, *map(str, point)))  # what is left out is even
        with ThreadPoolExecutor(jobs) as pool:
            racing = {pool.submit(course.run, point): point for point in points}
            seconds = minutes and 60 * minutes - (time.monotonic() - begun)
            counts, changes = gathered(racing, seconds)
            pool.shutdown(cancel_futures=True)
        report(counts)
        click.echo(f"{len(counts)} of {len(points)} races, {time.monotonic() - begun:.0f} s")
        click.echo(judged(folder / "packages", changes))


def report(counts: Mapping[Point, Counter[str]]) -> None:
    """Prints a row a pair and state of the lease."""
    rows: dict[tuple[bool, str, str], Counter[str]] = {}
    for point, found in counts.items():
        rows.setdefault(point[:3], Counter()).update(found)
    for (kept, first, second), row in sorted(rows.items(), reverse=True):
        click.echo(
            f"{first:9}{second:9}{'lease held' if kept else 'lease ended':12}{row['races']:5} "
            f"races, second through {row['second']:4}, first {row['first']:4}, polls without all "
            f"documents {row['faults']}"
        )


def gathered(
    racing: dict[Future[tuple[Counter[str], Changes]], Point], seconds: float | None
) -> tuple[dict[Point, Counter[str]], Changes]:
    """How the races ended that did in so many seconds."""
    counts: dict[Point, Counter[str]] = {}
    changes: Changes = set()
    with suppress(TimeoutError):
        for done in tqdm(as_completed(racing, seconds), total=len(racing), mininterval=30):
            counts[racing[done]], met = done.result()
            changes |= met
    return counts, changes


def judged(packages: Path, changes: Changes) -> str:
    """What Vespa demands of the changes: nothing, since fed vectors need no re-indexing."""
    try:
        judge = Judge(build())
    except Unavailable as fault:
        return f"{len(changes)} changes were not shown to Vespa's own code: {fault}"
    demands = [
        demand
        for before, after in sorted(changes)
        for demand in judge.changes([packages / before, packages / after])[1]
    ]
    judge.close()
    assert not demands, demands
    return f"{len(changes)} changes from package to package: Vespa's own code demands nothing"


@contextmanager
def installed(folder: Path) -> Iterator[tuple[StandIn, Workspace, Workspace]]:
    """A stand-in with two models, a workspace with the second one, and one with a third."""
    (folder / "packages").mkdir()
    vespa = StandIn().start()
    names = {"VESPA_TARGET": vespa.url, "VESPA_ENDPOINT": vespa.url, "VESPA_CLI_HOME": str(folder)}
    with mock.patch.dict(os.environ, names):
        spaces = []
        for name in ("one", "other"):
            spaces.append(write_workspace(folder / name))
            spaces[-1].set("package", vectors="fed")
            spaces[-1].set("deploy", max_loss=1.0)
        for space, seed in ((spaces[1], 1), (spaces[0], 2), (spaces[1], 3)):
            packed(space, seed)
            if seed != 3:
                check(deploy(space))
        yield vespa, spaces[0], spaces[1]
    vespa.stop()


if __name__ == "__main__":
    main()
