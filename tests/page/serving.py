"""Serves the small page in a process of its own.

python -m tests.page.serving FOLDER PORT PROVIDER
"""

import sys
from pathlib import Path

from stages.lib.params import read_params
from stages.operate.page import bound, serve
from tests.imports import ROOT
from tests.page.small import make_parts

if __name__ == "__main__":
    folder, port, provider = sys.argv[1:]
    params = read_params(ROOT / "params.yaml")
    parts = make_parts(Path(folder), params, provider=provider)
    serve(parts, bound("127.0.0.1", int(port)), "")
