"""The `vespa` command as Vespa Cloud's, for want of a Cloud: it runs the real one on the stand-in.

What the real command does for `-t cloud` before and beside that is done as its source does it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from vespacli import get_binary_path

# not imported from the stages, which would take longer than what is done here
CERTIFICATE = "VESPA_CLI_DATA_PLANE_CERT_FILE"


def main(arguments: list[str]) -> int:
    """Runs one command; returns its exit code."""
    command, rest = arguments[0], arguments[1:]
    assert rest[:2] == ["-t", "cloud"], arguments
    assert rest[2] == "-a", arguments
    assert re.fullmatch(r"\w+\.\w+", rest[3]), arguments
    rest = rest[4:]
    target = os.environ["TEST_CLOUD"]
    deployed = Path(os.environ["VESPA_CLI_HOME"]) / "deployed"
    if command == "status":
        assert "--wait" in rest
        assert rest[-2:] == ["--format", "plain"]
        if not deployed.exists():
            print("Error: no endpoints found", file=sys.stderr)
            return 1
        print(target)
        return 0
    if command == "fetch" and not deployed.exists():
        # the command writes the refusal where the package would be, and is content
        refusal = {"error-code": "NOT_FOUND", "message": "no package for this deployment"}
        Path(rest[0]).write_text(json.dumps(refusal), encoding="utf-8")
        return 0
    if command == "deploy":
        assert rest[0] == "--add-cert"
        rest = rest[1:]
        security = Path(rest[-1]) / "security"
        security.mkdir()
        shutil.copy(os.environ[CERTIFICATE], security / "clients.pem")
    done = subprocess.run([get_binary_path(), command, "-t", target, *rest], check=False)
    if command == "deploy" and done.returncode == 0:
        deployed.parent.mkdir(exist_ok=True)
        deployed.touch()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
