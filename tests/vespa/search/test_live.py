"""`make query`: what a user finds through the live model."""

import re

import pytest
from click.testing import CliRunner

from stages.operate.query import main as query_main
from tests.vespa.deployments import answers, deploy, packed
from tests.vespa.standin import StandIn
from tests.vespa.workspace import QUERIES, Workspace, check


def query(text: str) -> list[str]:
    result = check(CliRunner().invoke(query_main, env={"Q": text}))
    return result.output.splitlines()


def test_ids_titles_and_scores_through_the_live_profile(
    workspace: Workspace, vespa: StandIn
) -> None:
    packed(workspace)
    check(deploy(workspace))
    lines = query(QUERIES["q1"])
    assert [re.split(" +", line.strip())[2] for line in lines] == answers(vespa)
    assert any(line.endswith("  Snapshots") for line in lines)
    # no title: the text's beginning
    assert any(
        line.endswith("a2  a trial runs for thirty days and needs no card") for line in lines
    )
    scores = [float(re.split(" +", line.strip())[1]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    query('restore" or true; select * from doc where "')
    assert not any("restore" in request.get("yql", "") for request in vespa.seen)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_blank_query_is_named(text: str) -> None:
    result = CliRunner().invoke(query_main, env={"Q": text})
    assert (result.exit_code, result.output) == (
        1,
        'Error: Q: is empty; type make query Q="what to look for"\n',
    )


def test_nothing_deployed_is_said_in_a_line(vespa: StandIn) -> None:
    assert vespa.url
    result = CliRunner().invoke(query_main, env={"Q": "snapshot"})
    assert result.exit_code == 1
    assert "no application is deployed" in result.output
    assert len(result.output.splitlines()) == 1
