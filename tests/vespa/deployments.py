"""What tests of deployments share: deploying, and what is live afterwards."""

import json
import re
from typing import Any

import pytest
from click.testing import Result

from stages.operate.deploy import main as deploy_main
from tests.vespa.standin import StandIn
from tests.vespa.workspace import QUERIES, ROOT, Workspace, check, deploying, invoke


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Has deployments look at once what Vespa does: the stand-in counts looks, not seconds."""
    for place in ("exchange", "site"):
        patch.setattr(f"stages.lib.vespa.operate.{place}.POLL", 0.01)


def deploy(workspace: Workspace, **changes: Any) -> Result:
    return invoke(deploy_main, workspace, deploying(workspace) | changes)


def packed(workspace: Workspace, seed: int = 1) -> str:
    """Packages the model of a seed; returns its label."""
    if seed != 1:
        workspace.write_model(seed)
    check(workspace.package())
    path = workspace.application / "embedsmith.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["live"])


def receipt(workspace: Workspace) -> Any:
    path = workspace.folder / "metrics" / "deploy.json"
    return json.loads(path.read_text(encoding="utf-8"))


def live(vespa: StandIn) -> str:
    """The label that the default query profile serves."""
    serving = vespa.container.serving
    assert serving is not None
    return serving.profiles["default"]["ranking.profile"].split("_", 1)[1]


def field_of(label: str) -> str:
    """The vector field of a model of one tower."""
    return f"embedding_{label.rsplit('_w', 1)[0]}"


def answers(vespa: StandIn) -> list[str]:
    """What a user gets who names no profile."""
    found = vespa.container.search({"query": QUERIES["q1"]})
    return [hit["fields"]["doc_id"] for hit in found["root"]["children"]]


class User:
    """Somebody who searches while others deploy."""

    def __init__(self, vespa: StandIn) -> None:
        self._vespa = vespa
        self._changes, self._found = -1, set[str]()

    def sees(self) -> set[str]:
        """What they get, asked anew where what is stored or served has changed."""
        changes = self._vespa.container.changes
        if changes != self._changes:
            self._changes, self._found = changes, set(answers(self._vespa))
        return self._found


def command(workspace: Workspace, main: Any) -> Result:
    return invoke(main, workspace, {"--templates": ROOT / "application-package"})


def force(workspace: Workspace) -> Result:
    workspace.set("deploy", max_loss=1.0)
    return deploy(workspace)


def stays(workspace: Workspace, vespa: StandIn, message: str) -> Result:
    """Deploys, which fails in one line while what was live serves on."""
    before = live(vespa)
    result = deploy(workspace)
    assert result.exit_code == 1, result.output
    assert re.search(message, result.output), result.output
    assert "Traceback" not in result.output
    assert live(vespa) == before
    assert answers(vespa)
    return result


def refused(workspace: Workspace, *messages: str) -> None:
    """Deploys, which fails in one line before anything goes live."""
    result = deploy(workspace)
    assert result.exit_code == 1, result.output
    for message in messages:
        assert message in result.output, result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (workspace.folder / "metrics" / "deploy.json").exists()


def write_manifest(vespa: StandIn, row: Any) -> None:
    """Puts another manifest into what is deployed, as somebody else would have."""
    vespa.sessions[-1].files["embedsmith.json"] = json.dumps(row).encode()
