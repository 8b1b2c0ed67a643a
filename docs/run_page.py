"""Run the blocks of a page as its reader would, and compare or refresh the output it shows.

``bash`` blocks are run in order in one folder.  A ``python`` block whose first line is a file name
(``# simulate.py``) is saved under that name, any other is run.  A ``text`` block right after a block
that was run is what it printed, with paths below the folder without it; a line ``...`` in it stands for any
lines.  Blocks in any other language (``console``) are left alone.

What a ``bash`` block exports holds in the blocks after it, as in a reader's shell.

``python docs/run_page.py PAGE.md`` runs a page in a new folder, which has the ``examples`` of the
checkout; with ``--write`` it also puts the output that it saw into the page, but for blocks with ``...``.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.py)\n")
_EXPORT = re.compile(r"^export (.+)$", re.MULTILINE)
_GAP = re.compile(r"^\.\.\.$", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]\d+)?")


@dataclass(frozen=True)
class Shown:
    """Output that a page shows, what was printed, and where it stands on the page."""

    page: str
    printed: str
    start: int
    end: int

    @property
    def same_words(self) -> bool:
        """Whether both say the same, whatever the numbers: those may differ between versions."""
        parts = (re.escape(" ".join(_words(part))) for part in _GAP.split(self.page))
        return re.fullmatch(".*".join(parts), " ".join(_words(self.printed))) is not None

    @property
    def abridged(self) -> bool:
        """Whether the page leaves lines out."""
        return _GAP.search(self.page) is not None


def run_page(page: Path, folder: Path) -> list[Shown]:
    """Run a page's blocks in a folder; raises ``RuntimeError`` with the output when one fails."""
    shown: list[Shown] = []
    printed: str | None = None
    exported: dict[str, str] = {}
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        language, body = match.groups()
        if language == "text" and printed is not None:
            shown.append(Shown(body, printed, match.start(2), match.end(2)))
        printed = None
        if language == "python" and (name := _FILE.match(body)):
            (folder / name[1]).write_text(body, encoding="utf-8")
        elif language == "python":
            printed = _run([sys.executable, "-c", body], folder, exported)
        elif language == "bash":
            for line in _EXPORT.findall(body):
                exported |= dict(word.split("=", 1) for word in shlex.split(line))
            printed = _run(["bash", "-euo", "pipefail", "-c", body], folder, exported)
    return shown


def _run(command: list[str], folder: Path, exported: dict[str, str]) -> str:
    environment = (
        os.environ
        | exported
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "88",
            "PYTHONUNBUFFERED": "1",  # messages and results in the order in which a terminal shows them
            "OMP_NUM_THREADS": "1",
        }
    )
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[-1]}\nexit code {done.returncode}\n{done.stdout}")
    return done.stdout.replace(f"{folder}{os.sep}", "")


def _words(text: str) -> list[str]:
    # Rulers under a header are as wide as the numbers below it.
    return [word for word in _NUMBER.sub("#", text).split() if set(word) != {"-"}]


def _write(page: Path, shown: list[Shown]) -> None:
    text = page.read_text(encoding="utf-8")
    for block in reversed([block for block in shown if not block.abridged]):
        text = text[: block.start] + block.printed + text[block.end :]
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        start = Path(name).resolve()
        (start / "examples").symlink_to(Path(__file__).parents[1] / "examples")
        blocks = run_page(target, start)
    if "--write" in sys.argv:
        _write(target, blocks)
    for block in blocks:
        print("same" if block.same_words else f"other words:\n{block.printed}")
