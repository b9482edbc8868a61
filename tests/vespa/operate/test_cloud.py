"""Vespa Cloud: no config server to ask, an endpoint that comes with the first deployment."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.lib.errors import UserError
from stages.lib.vespa.search.connection import (
    AUTHORITY,
    CERTIFICATE,
    KEY,
    TOKEN,
    Connection,
    Credentials,
    connect,
    run,
)
from stages.lib.vespa.search.engine import count_documents
from stages.operate.rollback import main as rollback_main
from tests.vespa.certificates import certificates
from tests.vespa.deployments import (
    command,
    deploy,
    hurry,
    live,
    packed,
    receipt,
    refused,
    write_manifest,
)
from tests.vespa.standin import StandIn
from tests.vespa.standin.package import manifest
from tests.vespa.workspace import ROOT, TEXTS, Workspace, check, parse

APPLICATION = "tenant.application"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that takes a certificate and re-indexes by itself."""
    standin = StandIn(certificates(tmp_path)).start()
    standin.cloud = True
    hurry(monkeypatch)
    wrapper = tmp_path / "vespa"
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.vespa import cloud_command"
    wrapper.write_text(
        f"#!{sys.executable}\n{code}; sys.exit(cloud_command.main(sys.argv[1:]))\n",
        encoding="utf-8",
    )
    wrapper.chmod(0o755)
    for module in ("search.connection", "operate.feeder"):
        monkeypatch.setattr(f"stages.lib.vespa.{module}.executable", lambda: str(wrapper))
    for name in ("VESPA_ENDPOINT", TOKEN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VESPA_TARGET", "cloud")
    monkeypatch.setenv("VESPA_APPLICATION", APPLICATION)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path / "cli"))
    monkeypatch.setenv("TEST_CLOUD", standin.url)
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "client.pem"))
    monkeypatch.setenv(KEY, str(tmp_path / "client.key"))
    monkeypatch.setenv(AUTHORITY, str(tmp_path / "ca.pem"))
    yield standin
    standin.stop()


def test_first_deployment_swap_and_way_back(workspace: Workspace, cloud: StandIn) -> None:
    workspace.set("package", nodes="cloud")
    old = packed(workspace)
    check(deploy(workspace))
    assert live(cloud) == old
    assert receipt(workspace)["documents"] == len(TEXTS)
    assert "security/clients.pem" in cloud.sessions[-1].files
    workspace.set("deploy", max_loss=1.0)
    new = packed(workspace, seed=2)
    check(deploy(workspace))
    assert live(cloud) == new
    assert all(len(each) == len(TEXTS) for each in cloud.container.vectors.values())
    check(command(workspace, rollback_main))
    assert live(cloud) == old
    assert not cloud.requests["reindex"] + cloud.requests["reindexing_status"]


def test_who_deploys_to_the_cloud_meanwhile_is_noticed_and_left_alone(
    workspace: Workspace, cloud: StandIn
) -> None:
    packed(workspace)
    check(deploy(workspace))
    old = live(cloud)
    workspace.set("deploy", max_loss=1.0)
    packed(workspace, seed=2)

    def somebody(step: str) -> None:
        found = manifest(cloud.sessions[-1])
        if step == "search" and found["lease"]:
            write_manifest(cloud, found | {"lease": None, "revision": "0123456789abcdef"})

    cloud.hook = somebody
    result = deploy(workspace)
    assert result.exit_code == 1
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("Error: cloud: somebody else deployed meanwhile")
    assert live(cloud) == old
    assert manifest(cloud.sessions[-1])["revision"] == "0123456789abcdef"


def test_a_token_may_read_and_write_beside_the_certificate(workspace: Workspace) -> None:
    workspace.set("package", nodes="cloud", token="ours <&>")  # noqa: S106 - its name
    check(workspace.package())
    clients = parse(workspace.application / "services.xml").findall("container/clients/client")
    assert [each.get("permissions") for each in clients] == ["read,write"] * 2
    assert clients[0].find("certificate").get("file") == "security/clients.pem"
    assert clients[1].find("token").get("id") == "ours <&>"
    workspace.set("package", nodes="local")
    assert "package: token is Vespa Cloud's" in workspace.package().output


def test_package_that_cloud_withholds_is_no_first_deployment(
    workspace: Workspace, cloud: StandIn, tmp_path: Path
) -> None:
    packed(workspace)
    (tmp_path / "vespa").write_text(
        '#!/bin/sh\nfor last; do :; done\necho \'{"error-code":"FORBIDDEN"}\' > "$last"\n',
        encoding="utf-8",
    )
    refused(workspace, 'cloud: the deployed package cannot be had: {"error-code":"FORBIDDEN"}')
    assert not cloud.sessions


@pytest.mark.parametrize("unattended", [True, False])
def test_stranger_to_the_cloud_is_told_how_to_log_in(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unattended: bool
) -> None:
    # the command wants a key in the place of a login where CI is set
    monkeypatch.delenv("CI", raising=False)
    if unattended:
        monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("VESPA_TARGET", "cloud")
    monkeypatch.setenv("VESPA_APPLICATION", APPLICATION)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path / "cli"))
    monkeypatch.setenv(TOKEN, "s3cret")
    packed(workspace)
    refused(workspace, "Vespa Cloud does not know who deploys", "run vespa auth login, or set")


def test_certificate_of_the_command_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {
        "VESPA_TARGET": "cloud",
        "VESPA_APPLICATION": APPLICATION,
        "VESPA_CLI_HOME": str(tmp_path),
    }
    with pytest.raises(UserError, match=rf"run vespa auth cert --no-add -a {APPLICATION}"):
        connect(environment)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path))
    run(["auth", "cert", "-t", "cloud", "--no-add", "-a", APPLICATION])
    found = connect(environment).credentials
    assert found.certificate is not None
    assert "BEGIN CERTIFICATE" in Path(found.certificate).read_text(encoding="utf-8")
    assert "PRIVATE KEY" in Path(str(found.key)).read_text(encoding="utf-8")


def test_a_token_travels_with_queries() -> None:
    standin = StandIn().start()
    try:
        credentials = Credentials(token="s3cret")  # noqa: S106 - the test's own
        with pytest.raises(UserError, match="no application is deployed"):
            count_documents(Connection("cloud", standin.url, APPLICATION, credentials))
        assert standin.headers[b"authorization"] == b"Bearer s3cret"
    finally:
        standin.stop()
