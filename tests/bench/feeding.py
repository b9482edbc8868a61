"""Feeding at size: generated documents through the real `vespa feed` into the stand-in.

    python -m tests.bench.feeding --documents 100000

5% of the operations are answered with 429 or 503, and the stand-in is restarted in the middle.
Prints the throughput, and what was lost or stored twice. The stand-in is Python on one core: the
figure says what the client and its bookkeeping do at least, not what Vespa does.
"""

import json
import tempfile
import threading
from pathlib import Path

import click

from stages.lib.core.collection import Document
from stages.lib.core.files import write_jsonl
from stages.lib.vespa.operate.feeder import feed
from stages.lib.vespa.package.feed import document_row
from stages.lib.vespa.search.connection import Connection, Credentials
from tests.vespa.standin import StandIn
from tests.vespa.workspace import check, write_workspace

TEXT = "the backup of volume {0} runs each night and keeps {0} versions for the auditor " * 6


@click.command()
@click.option("--documents", default=100_000)
@click.option("--unsteady", default=0.05)
@click.option("--restart/--no-restart", default=True)
def main(documents: int, unsteady: float, restart: bool) -> None:
    """Measure feeding."""
    vespa = StandIn().start()
    with tempfile.TemporaryDirectory() as scratch:
        workspace = write_workspace(Path(scratch) / "workspace")
        workspace.set("package", vectors="fed")
        check(workspace.package())
        connection = Connection(vespa.url, vespa.url, None, Credentials())
        connection.deploy(workspace.application, 60)
        path = Path(scratch) / "feed.jsonl"
        write_jsonl(
            path,
            (
                document_row("bench", Document(f"d{n}", f"Title {n}", TEXT.format(n)))
                for n in range(documents)
            ),
        )
        vespa.unsteady = unsteady
        restarted = threading.Event()

        def cycle() -> None:
            vespa.stop()
            vespa.start()

        def hook(step: str) -> None:
            if restart and step == "write" and vespa.requests[step] == documents // 2:
                restarted.set()
                threading.Thread(target=cycle).start()

        vespa.hook = hook
        fed = feed(connection, path, path.parent, timeout=10)
    writes = vespa.container.writes
    click.echo(
        json.dumps(
            {
                "documents": documents,
                "bytes": len(TEXT) * documents,
                "lost": documents - len(vespa.container.documents),
                "acknowledged": len(fed.done),
                "operations_applied_twice": sum(count > 1 for count in writes.values()),
                "requests": vespa.requests["write"],
                "rounds": fed.rounds,
                "restarted": restarted.is_set(),
                "seconds": round(fed.seconds, 1),
                "documents_per_second": round(documents / fed.seconds),
            },
            indent=2,
        )
    )
    vespa.stop()


if __name__ == "__main__":
    main()
