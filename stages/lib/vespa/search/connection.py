"""Where Vespa is, and the `vespa` command that talks to it.

Keys and certificates are given to the command and to HTTP clients by the names of their files, in
the command's own environment variables; nothing here reads or prints them.
"""

import os
import re
import shutil
import ssl
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
import vespacli

from stages.lib.errors import UserError

CERTIFICATE = "VESPA_CLI_DATA_PLANE_CERT_FILE"
KEY = "VESPA_CLI_DATA_PLANE_KEY_FILE"
AUTHORITY = "VESPA_CLI_DATA_PLANE_CA_CERT_FILE"
TOKEN = "VESPA_CLI_DATA_PLANE_TOKEN"  # noqa: S105 - the variable's name

API_KEY = "VESPA_CLI_API_KEY_FILE"

LOCAL = "http://127.0.0.1:19071"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The files and the token that the data plane asks for, if any."""

    certificate: str | None = None
    key: str | None = None
    authority: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return "Credentials(...)"

    def context(self) -> ssl.SSLContext:
        """What an HTTP client needs to know and to show."""
        try:
            context = ssl.create_default_context(cafile=self.authority)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            raise UserError(
                f"{CERTIFICATE}, {KEY} or {AUTHORITY}: not usable ({error.strerror or 'bad file'})"
                "; they name PEM files of a certificate, its key and the authority"
            ) from error
        return context


@dataclass(frozen=True)
class Connection:
    """A Vespa installation: where to deploy to, and where to feed and search.

    `container` is None where Vespa Cloud has to be asked for it, which knows it once an application
    is deployed.
    """

    target: str
    container: str | None
    application: str | None
    credentials: Credentials

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Made once: reading the authorities of this machine takes longer than most requests."""
        return self.credentials.context()

    @cached_property
    def endpoint(self) -> str:
        """The container's address."""
        if self.container is not None:
            return self.container
        plain = [*self._deploy_to("status"), "--wait", "300", "--format", "plain"]
        return run(plain).stdout.split()[0].rstrip("/")

    @property
    def cloud(self) -> bool:
        """Whether this is Vespa Cloud, which has no config server to talk to."""
        return self.target == "cloud"

    @property
    def config_server(self) -> str:
        """The config server's address."""
        return LOCAL if self.target == "local" else self.target

    def deploy(self, folder: Path, wait: int) -> None:
        """Deploys a package and waits until it serves."""
        certificate = ["--add-cert"] if self.cloud else []
        run(
            [*self._deploy_to("deploy"), *certificate, "--wait", str(wait), str(folder)],
            folder.parent,
        )

    def prepare(self, folder: Path, wait: int) -> str:
        """Has the config server take and check a package; returns the number of its session."""
        done = run([*self._deploy_to("prepare"), "--wait", str(wait), str(folder)], folder.parent)
        found = re.search(r"with session (\d+)", done.stdout)
        if found is None:
            raise UserError(f"vespa prepare names no session: {' '.join(done.stdout.split())}")
        return found[1]

    def fetch(self, folder: Path) -> bool:
        """Unpacks the active application's package; False if there is none."""
        if not self.cloud and not self._active():
            return False
        archive = folder.with_suffix(".zip")
        archive.unlink(missing_ok=True)
        run([*self._deploy_to("fetch"), str(archive)], archive.parent)
        if not zipfile.is_zipfile(archive):
            # Vespa Cloud's refusals arrive in the place of the package
            refusal = " ".join(archive.read_text(encoding="utf-8", errors="replace").split())
            if "NOT_FOUND" in refusal:
                return False
            raise UserError(f"{self.target}: the deployed package cannot be had: {refusal[:200]}")
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(archive) as package:
            package.extractall(folder)
        return True

    def _active(self) -> bool:
        path = (
            "/application/v2/tenant/default/application/default/environment/default/region/"
            "default/instance/default/content/"
        )
        return self.ask("GET", path).status_code != httpx.codes.NOT_FOUND

    def ask(self, method: str, path: str, timeout: int = 60) -> httpx.Response:
        """A request to the config server, which has some seconds for it."""
        url = self.config_server + path
        try:
            with httpx.Client(verify=self._context, timeout=timeout) as client:
                return client.request(method, url)
        except httpx.HTTPError as error:
            raise UserError(unreachable(self.config_server, str(error))) from error

    def _deploy_to(self, command: str) -> list[str]:
        application = ["-a", self.application] if self.application else []
        return [command, "-t", self.target, *application]

    def documents(self, command: str) -> list[str]:
        """The `vespa` command's arguments for what it does with documents."""
        return self._deploy_to(command) if self.cloud else [command, "-t", self.endpoint]


def connect(environment: Mapping[str, str]) -> Connection:
    """The installation that the environment names.

    VESPA_TARGET is `local` (the default), `cloud`, or a config server's address; VESPA_ENDPOINT is
    the container's address, which `local` and `cloud` can be asked for; VESPA_APPLICATION is
    Cloud's tenant.application.
    """
    target = environment.get("VESPA_TARGET") or "local"
    application = environment.get("VESPA_APPLICATION")
    endpoint = environment.get("VESPA_ENDPOINT")
    if target not in {"local", "cloud"} and not target.startswith(("http://", "https://")):
        raise UserError(
            f"VESPA_TARGET: {target!r} is neither local nor cloud nor an address such as "
            "http://config.example.com:19071"
        )
    if target == "cloud" and not re.fullmatch(r"[^.\s]+\.[^.\s]+(\.[^.\s]+)?", application or ""):
        raise UserError(
            f"VESPA_APPLICATION: {application or 'not set'}; Vespa Cloud needs tenant.application"
        )
    if target not in {"local", "cloud"} and not endpoint:
        raise UserError(
            "VESPA_ENDPOINT is not set; it is where to feed and search, such as "
            "http://search.example.com:8080"
        )
    if not endpoint and target == "local":
        endpoint = "http://127.0.0.1:8080"
    names = (CERTIFICATE, KEY, AUTHORITY, TOKEN)
    credentials = Credentials(*(environment.get(name) or None for name in names))
    if target == "cloud" and not (credentials.certificate or credentials.token):
        credentials = _kept(environment, str(application))
    return Connection(
        target.rstrip("/"), endpoint.rstrip("/") if endpoint else None, application, credentials
    )


def _kept(environment: Mapping[str, str], application: str) -> Credentials:
    """The files that `vespa auth cert` wrote for an application; the command finds them itself."""
    home = Path(environment.get("VESPA_CLI_HOME") or Path.home() / ".vespa")
    tenant, name, *instance = application.split(".")
    folder = home / ".".join([tenant, name, *(instance or ["default"])])
    certificate, key = folder / "data-plane-public-cert.pem", folder / "data-plane-private-key.pem"
    if certificate.is_file() and key.is_file():
        return Credentials(str(certificate), str(key))
    raise UserError(
        f"VESPA_TARGET is cloud, but {application} has no certificate here: run vespa auth cert "
        f"--no-add -a {application}, or set {CERTIFICATE} and {KEY}, or {TOKEN}"
    )


def executable() -> str:
    """The `vespa` command itself.

    What pip puts on the PATH is Python around it, which forgets its exit code, and whose end would
    not be its end.
    """
    try:
        return str(vespacli.get_binary_path())
    except OSError as error:
        raise UserError(
            f"the vespa command is not installed ({error}); run make install"
        ) from error


def run(arguments: list[str], scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the `vespa` command; its error becomes one line.

    It makes temporary files in `scratch`, where they are found if it is killed.
    """
    folder = {"TMPDIR": str(scratch)} if scratch else {}
    done = subprocess.run(  # noqa: S603 - no shell, and arguments of our own
        [executable(), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"VESPA_CLI_COLOR": "never"} | folder,
        check=False,
    )
    # some of its commands say "Error:" and exit with 0 all the same
    if done.returncode or re.search(r"^\s*Error:", done.stderr, re.MULTILINE):
        raise UserError(explain(arguments, done.stderr))
    return done


def explain(arguments: list[str], stderr: str) -> str:
    """One line of what the `vespa` command says, with the way out."""
    text = " ".join(stderr.split()).removeprefix("Error: ")
    target = arguments[arguments.index("-t") + 1]
    # where CI is set, the command looks for a key instead of a login
    if "auth login" in text or "api-key" in text:
        return (
            f"Vespa Cloud does not know who deploys ({text.rsplit('Error: ', 1)[-1]}); run vespa "
            f"auth login, or set {API_KEY}"
        )
    signs = ("connection refused", "no such host", "deploy service", "certificate", "tls:")
    if any(sign in text for sign in signs):
        return unreachable(target, text)
    if "validation-overrides" in text:
        return (
            f"Vespa refuses the change: {text}; give the change a model of its own (a new hash "
            "gets new fields), or put validation-overrides.xml into application-package/"
        )
    return f"vespa {arguments[0]}: {text}"


def unreachable(address: str, text: str) -> str:
    """Why nobody answers, in one line."""
    signs = ["certificate", "tls", "ssl"]
    if address.startswith("https:"):
        # a server that refuses a client's certificate just hangs up (TLS 1.3)
        signs += ["disconnected", "eof", "reset"]
    if any(sign in text.lower() for sign in signs):
        return (
            f"Vespa at {address} and the certificate do not agree ({text}); check {CERTIFICATE}, "
            f"{KEY} and {AUTHORITY}"
        )
    return (
        f"no Vespa answers at {address} ({text}); start one (make serve), or set VESPA_TARGET and "
        "VESPA_ENDPOINT"
    )
