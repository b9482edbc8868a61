"""Two commands at once: each held before each of its requests while another one runs whole.

python -m tests.bench.races                 # every request, about an hour and a half on a core
python -m tests.bench.races --share 0.05    # a sample, drawn by hash

A row a pair and state of the lease: races, races in which the second command went through, those in
which the first one did, and polls at which a user did not get all documents (there must be none).
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from unittest import mock

import click

from stages.lib.core.seeds import share as drawn
from stages.lib.vespa.package.lease import Lease
from tests.vespa.deployments import deploy, field_of, live, packed
from tests.vespa.racing import COMMANDS, Race
from tests.vespa.standin import StandIn
from tests.vespa.workspace import TEXTS, Workspace, check, write_workspace


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the races, drawn by hash.")
def main(share: float) -> None:
    """Race every command against every other one."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder)) as (vespa, one, other):
        race = Race(vespa)
        steps = {name: race.requests(run, other) for name, run in COMMANDS.items()}
        click.echo("requests: " + ", ".join(f"{name} {len(each)}" for name, each in steps.items()))
        total = 0
        for kept, first, second in product((True, False), COMMANDS, COMMANDS):
            counts = [0, 0, 0, 0]
            for at in range(len(steps[first])):
                if drawn(1, first, second, str(kept), str(at)) >= share:
                    continue
                with lease(kept):
                    found = race.run(COMMANDS[first], other, at, COMMANDS[second], one)
                codes = [found.first[0], (found.second or (1, ""))[0]]
                for code, output in (found.first, found.second or (0, "")):
                    assert code in (0, 1), output
                    assert "Traceback" not in output, output
                assert 0 in codes, (first, at, second, found)
                whole = len(vespa.container.vectors[field_of(live(vespa))]) == len(TEXTS)
                assert whole, (first, at, second, found)
                counts[0] += 1
                counts[1] += codes[1] == 0
                counts[2] += codes[0] == 0
                counts[3] += len(found.faults)
            total += counts[0]
            state = "lease held" if kept else "lease ended"
            click.echo(
                f"{first:9}{second:9}{state:12}{counts[0]:5} races, second through {counts[1]:4}, "
                f"first {counts[2]:4}, polls without all documents {counts[3]}"
            )
    click.echo(f"{total} races, {time.monotonic() - begun:.0f} s")


@contextmanager
def lease(kept: bool) -> Iterator[None]:
    """Whether a lease keeps others out; where it does not, comparing alone protects."""
    if kept:
        yield
        return
    with mock.patch.object(Lease, "ended", lambda *_: True):
        yield


@contextmanager
def installed(folder: Path) -> Iterator[tuple[StandIn, Workspace, Workspace]]:
    """A stand-in with two models, a workspace with the second one, and one with a third."""
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
