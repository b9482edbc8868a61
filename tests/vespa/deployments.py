"""What tests of deployments share: deploying, and what is live afterwards."""

import json
import re
from typing import Any

from click.testing import Result

from stages.operate.deploy import main as deploy_main
from tests.vespa.project import QUERIES, ROOT, Project, check, deploying, invoke
from tests.vespa.standin import StandIn


def deploy(project: Project, **changes: Any) -> Result:
    return invoke(deploy_main, project, deploying(project) | changes)


def packed(project: Project, seed: int = 1) -> str:
    """Packages the model of a seed; returns its label."""
    if seed != 1:
        project.write_model(seed)
    check(project.package())
    path = project.application / "embedsmith.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["live"])


def receipt(project: Project) -> Any:
    path = project.folder / "metrics" / "deploy.json"
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


def command(project: Project, main: Any) -> Result:
    return invoke(main, project, {"--templates": ROOT / "application-package"})


def force(project: Project) -> Result:
    project.set("deploy", max_loss=1.0)
    return deploy(project)


def stays(project: Project, vespa: StandIn, message: str) -> Result:
    """Deploys, which fails in one line while what was live serves on."""
    before = live(vespa)
    result = deploy(project)
    assert result.exit_code == 1, result.output
    assert re.search(message, result.output), result.output
    assert "Traceback" not in result.output
    assert live(vespa) == before
    assert answers(vespa)
    return result
