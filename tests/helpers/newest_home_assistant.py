"""The environment of the newest Home Assistant, which runs in a process of its own."""

from pathlib import Path
from typing import Final

import pytest

PYTHON: Final = Path(__file__).parents[2] / ".venv-demo/bin/python"

needs_newest_home_assistant = pytest.mark.skipif(
    not PYTHON.exists(), reason="scripts/setup demo has not created .venv-demo"
)
