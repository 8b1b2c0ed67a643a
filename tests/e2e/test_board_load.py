"""The benchmark of the leaderboard under load, small: kill -9 in the middle loses nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "board_load.py"


def test_every_accepted_submission_is_in_the_ledger_exactly_once() -> None:
    sizes = ["--submissions", "60", "--at-once", "12", "--kills", "2", "--examples", "100"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *sizes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("60 submissions of 100 examples, 12 at once, 2 kill -9")
    lost = re.search(r"\((\d+) requests lost", done.stdout)
    assert lost is not None
    assert int(lost[1]) > 0, "the server was killed when nobody waited"
    assert "exactly once" in done.stdout
