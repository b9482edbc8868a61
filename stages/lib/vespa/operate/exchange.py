"""The active application, read and exchanged for another only if it still is what was read.

A config server numbers its sessions, and the active one's number is the application's generation.
A session remembers which one was active when it was created, and is not activated once another one
is. So a session is created first, then the active generation is compared with the one that was
read, and then it is activated: whoever comes in between is noticed here or there. Vespa Cloud has
no sessions for its users; there the manifest is read once more just before deploying.
"""

import time
from contextlib import suppress
from pathlib import Path

import httpx

from stages.lib.errors import UserError
from stages.lib.vespa.package.application import Ground
from stages.lib.vespa.package.manifest import MANIFEST, Manifest, read_manifest
from stages.lib.vespa.search.connection import Connection

TENANT = "/application/v2/tenant/default"
INSTANCE = f"{TENANT}/application/default/environment/default/region/default/instance/default"

WAIT = 600
"""Seconds for a deployment to converge."""

POLL = 0.25
"""Seconds between looks at one that does."""


class ChangedError(UserError):
    """Somebody else deployed meanwhile."""


class Exchange:
    """The active application of an installation.

    Args:
        connection: the installation.
        folder: where the active package is unpacked.
        ground: of a manifest that tells none.

    """

    def __init__(self, connection: Connection, folder: Path, ground: Ground) -> None:
        self._connection = connection
        self._ground = ground
        self.folder = folder
        self._seen = ""
        """The generation, on Vespa Cloud the revision, that was read or deployed last."""

    def read(self) -> Manifest | None:
        """The active application's manifest, and its package in the folder; None without one.

        Raises:
            UserError: nobody answers, or what is deployed is somebody else's.

        """
        for _ in range(5):
            self._seen = self._generation()
            if not self._connection.fetch(self.folder):
                self._seen = ""
                return None
            # files are fetched one by one: they may be of two generations
            if self._generation() == self._seen:
                break
        else:
            raise UserError(f"{self._target}: is deployed to all the time; wait for an end of that")
        manifest = self._manifest(self.folder)
        if self._connection.cloud:
            self._seen = manifest.revision
        return manifest

    def write(self, package: Path, revision: str) -> None:
        """Deploys a package in the place of what was read or written last; waits until it serves.

        Raises:
            UserError: Vespa refuses it.
            ChangedError: something else was deployed meanwhile.

        """
        if self._connection.cloud:
            self._compare(self._cloud_revision())
            self._connection.deploy(package, WAIT)
            self._seen = revision
            return
        session = self._connection.prepare(package, WAIT)
        self._compare(self._generation())
        answer = self._connection.ask("PUT", f"{TENANT}/session/{session}/active", WAIT)
        if answer.status_code == httpx.codes.CONFLICT:
            raise self._changed()
        if answer.is_error:
            text = " ".join(answer.text.split())[:200]
            raise UserError(f"{self._target}: activating is refused ({answer.status_code}: {text})")
        self._seen = session
        self._converge()

    def _compare(self, found: str) -> None:
        if found != self._seen:
            raise self._changed()

    def _changed(self) -> ChangedError:
        return ChangedError(
            f"{self._target}: somebody else deployed meanwhile, so that this was left undone; see "
            "what serves now, then run it again"
        )

    @property
    def _target(self) -> str:
        return self._connection.target

    def _generation(self) -> str:
        """The number of the active session; empty without one, and on Vespa Cloud."""
        if self._connection.cloud:
            return ""
        answer = self._connection.ask("GET", INSTANCE)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return ""
        if answer.is_error:
            raise UserError(
                f"{self._target}: does not tell what is deployed ({answer.status_code}); look for "
                "errors in the config server's log"
            )
        return str(answer.json()["generation"])

    def _cloud_revision(self) -> str:
        folder = self.folder.with_name("again")
        return self._manifest(folder).revision if self._connection.fetch(folder) else ""

    def _manifest(self, folder: Path) -> Manifest:
        if not (folder / MANIFEST).is_file():
            raise UserError(
                f"{self._target}: serves an application that was not deployed from here; remove it "
                "first, or set VESPA_TARGET to another installation"
            )
        return read_manifest(folder, self._target, self._ground)

    def _converge(self) -> None:
        """Waits until all services have what was activated."""
        end = time.monotonic() + WAIT
        while True:
            with suppress(UserError):  # a server may be restarting just now
                answer = self._connection.ask("GET", f"{INSTANCE}/serviceconverge")
                if answer.is_success and answer.json().get("converged"):
                    return
            if time.monotonic() > end:
                raise UserError(
                    f"{self._target}: not all services have the new application after {WAIT} s; "
                    "look for their errors in Vespa's log"
                )
            time.sleep(POLL)
