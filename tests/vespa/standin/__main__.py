"""The stand-in by hand, to deploy to what no Vespa server runs for.

python -m tests.vespa.standin --port 19071
export VESPA_TARGET=http://127.0.0.1:19071 VESPA_ENDPOINT=http://127.0.0.1:19071
make deploy
"""

import threading

import click

from tests.vespa.standin import StandIn


@click.command()
@click.option("--port", default=19071, show_default=True, help="Of config server and container.")
@click.option("--lag", default=0, show_default=True, help="Polls until something has converged.")
def main(port: int, lag: int) -> None:
    """Serve until Ctrl-C."""
    standin = StandIn(port=port).start()
    standin.lag = lag
    standin.hook = lambda step: click.echo(f"{step} {standin.requests[step]}")
    click.echo(f"export VESPA_TARGET={standin.url} VESPA_ENDPOINT={standin.url}")
    threading.Event().wait()


if __name__ == "__main__":
    main()
