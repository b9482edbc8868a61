import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner

from stages.lib.vespa.search.connection import AUTHORITY, CERTIFICATE, KEY, connect
from stages.operate.serve import main as serve
from tests.vespa.certificates import certificates
from tests.vespa.deployments import deploy, field_of, live, packed, refused, stays
from tests.vespa.standin import StandIn
from tests.vespa.standin.package import VectorType
from tests.vespa.workspace import ROOT, TEXTS, Workspace, check, write_texts


def test_nobody_at_the_config_server(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    packed(workspace)
    monkeypatch.setenv("VESPA_TARGET", "http://127.0.0.1:9")
    monkeypatch.setenv("VESPA_ENDPOINT", "http://127.0.0.1:9")
    refused(workspace, "no Vespa answers at http://127.0.0.1:9", "make serve", "VESPA_TARGET")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VESPA_TARGET": "http://config:19071"}, "VESPA_ENDPOINT is not set"),
        ({"VESPA_TARGET": "config:19071"}, "VESPA_TARGET: 'config:19071' is neither"),
        ({"VESPA_TARGET": "cloud"}, "VESPA_APPLICATION: not set; Vespa Cloud needs"),
        ({"VESPA_TARGET": "cloud", "VESPA_APPLICATION": "ours"}, "VESPA_APPLICATION: ours; Vespa"),
    ],
)
def test_environment_that_names_no_place(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    message: str,
) -> None:
    packed(workspace)
    for name in ("VESPA_TARGET", "VESPA_ENDPOINT", "VESPA_APPLICATION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    refused(workspace, message)


def test_local_is_the_default() -> None:
    found = connect({})
    assert (found.config_server, found.endpoint) == (
        "http://127.0.0.1:19071",
        "http://127.0.0.1:8080",
    )


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A stand-in that asks for a certificate, and the files that satisfy it."""
    standin = StandIn(certificates(tmp_path)).start()
    monkeypatch.setenv("VESPA_TARGET", standin.url)
    monkeypatch.setenv("VESPA_ENDPOINT", standin.url)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path / "cli"))
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "client.pem"))
    monkeypatch.setenv(KEY, str(tmp_path / "client.key"))
    monkeypatch.setenv(AUTHORITY, str(tmp_path / "ca.pem"))
    yield standin, tmp_path
    standin.stop()


def test_mutual_tls_from_the_commands_own_variables(workspace: Workspace, guarded: Any) -> None:
    standin, _ = guarded
    label = packed(workspace)
    result = check(deploy(workspace))
    assert live(standin) == label
    assert "BEGIN" not in result.output


def test_wrong_certificate(
    workspace: Workspace, guarded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin, folder = guarded
    stranger = trustme.CA()
    issued = stranger.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "stranger.key")
    issued.cert_chain_pems[0].write_to_path(folder / "stranger.pem")
    monkeypatch.setenv(CERTIFICATE, str(folder / "stranger.pem"))
    monkeypatch.setenv(KEY, str(folder / "stranger.key"))
    packed(workspace)
    refused(workspace, f"Vespa at {standin.url} and the certificate do not agree", CERTIFICATE)


def test_server_of_an_unknown_authority(
    workspace: Workspace, guarded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guarded
    monkeypatch.delenv(AUTHORITY)
    packed(workspace)
    refused(workspace, "and the certificate do not agree", AUTHORITY)


def test_certificate_file_that_is_not_one(
    workspace: Workspace, guarded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = guarded
    (folder / "bad.pem").write_text("not a certificate, but s3cret", encoding="utf-8")
    monkeypatch.setenv(KEY, str(folder / "bad.pem"))
    packed(workspace)
    result = deploy(workspace)
    assert result.exit_code == 1
    assert f"{CERTIFICATE}, {KEY} or {AUTHORITY}: not usable" in result.output
    assert "s3cret" not in result.output


def test_somebody_elses_application_is_left_alone(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    del vespa.sessions[-1].files["embedsmith.json"]
    (workspace.folder / "metrics" / "deploy.json").unlink()
    before = vespa.requests["deploy"]
    refused(workspace, "serves an application that was not deployed from here")
    assert vespa.requests["deploy"] == before


def test_change_that_needs_an_override(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    (name, found), *_ = vespa.container.serving.fields.items()  # type: ignore[union-attr]
    other = VectorType("float", found.type.size)
    vespa.sessions[-1].fields[name] = replace(found, type=other)
    stays(
        workspace, vespa, "Vespa refuses the change: .*field-type-change.*validation-overrides.xml"
    )


def test_package_that_vespa_would_not_take(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    templates = workspace.folder / "templates"
    shutil.copytree(ROOT / "application-package", templates)
    schema = templates / "schemas" / "semantic.profile"
    text = schema.read_text(encoding="utf-8").replace("attribute($field)", "attribute(vector)")
    schema.write_text(text, encoding="utf-8")
    result = deploy(workspace, **{"--templates": templates})
    assert result.exit_code == 1
    assert "no attribute 'vector'" in result.output
    assert not vespa.sessions


def test_rejected_document_is_named_in_a_file(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    vespa.rejects = {"a2"}
    output = check(deploy(workspace)).output
    assert f"Vespa refused 1 documents, named in {workspace.folder / 'rejected.jsonl'}" in output
    (line,) = (workspace.folder / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["id"] == "id:embedsmith:doc::a2"
    vespa.rejects = set()
    check(deploy(workspace))  # what was refused is tried again
    assert (workspace.folder / "rejected.jsonl").read_text(encoding="utf-8") == ""
    assert len(vespa.container.documents) == 8


def test_change_of_a_document_that_is_rejected_stops_no_model(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("package", vectors="fed")
    packed(workspace)
    check(deploy(workspace))
    write_texts(workspace, TEXTS | {"d2": ("Keys", "keys never leave"), "z9": ("New", "an agent")})
    workspace.write_model(seed=2)
    vespa.rejects = {"d2", "z9"}
    workspace.set("deploy", max_loss=1.0)
    label = packed(workspace)
    check(deploy(workspace))
    lines = (workspace.folder / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    named = [json.loads(line)["id"].split("::")[1] for line in lines]
    assert named == ["d2", "z9"]
    assert live(vespa) == label
    # the one that was there is found by the new model too, the other one did not come empty
    assert len(vespa.container.vectors[field_of(label)]) == len(vespa.container.documents) == 8


def test_full_disk_leaves_the_live_model(workspace: Workspace, vespa: StandIn) -> None:
    workspace.set("package", vectors="fed")
    packed(workspace)
    check(deploy(workspace))
    packed(workspace, seed=2)
    vespa.full = True
    stays(workspace, vespa, "Vespa's disk or memory is full")


def test_no_secret_in_the_representation_of_a_connection() -> None:
    found = connect({"VESPA_CLI_DATA_PLANE_TOKEN": "s3cret", KEY: "/a/key.pem"})
    assert "s3cret" not in repr(found)
    assert "key.pem" not in repr(found)


def test_serving_without_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    result = CliRunner().invoke(serve, ["--wait", "1"])
    assert result.exit_code == 1
    assert re.search("docker: .*(not installed|[Cc]annot connect|failed to connect)", result.output)
    assert len(result.output.strip().splitlines()) == 1
