"""Answer labelling tasks as simulated annotators would; stands in for people, and is none.

Run it: python examples/testset/annotate.py TASKS ANSWERS.csv

It sees what a worker sees: the folder that `freshset testset tasks --export` writes, with a question
and 48 pictures a task.  Thirty annotators are simulated, ten for every task.  The clearer a digit is,
the likelier they say what it shows; three of them do not look.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from freshset.demo.digits import load_digits
from freshset.demo.rebuilt import ANNOTATORS, NAMES, chances


def main(tasks: Path, answers: Path) -> None:
    """Write one row an answer: worker, task, token, selected."""
    rng = np.random.default_rng(7)
    digits = load_digits()
    chance = chances(digits)
    careless = np.arange(ANNOTATORS) % 10 == 0
    with answers.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(("worker", "task_id", "token", "selected"))
        for task, seen in sorted(read(tasks), key=lambda one: (one[0]["class"], one[1].tobytes())):
            which = ((seen[:, None] - digits.images[None]) ** 2).sum(axis=2).argmin(axis=1)
            p = chance[which, NAMES.index(task["class"])]
            for worker in rng.permutation(ANNOTATORS)[:10]:
                yes = rng.random(len(p)) < (0.5 if careless[worker] else p)
                for image, said in zip(task["images"], yes, strict=True):
                    name = f"simulated-{worker:02d}"
                    out.writerow((name, task["task_id"], image["token"], int(said)))


def read(tasks: Path) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Tasks with what is seen in them.

    Their ids are random; in the order of what they show, the same annotators get the same tasks again.
    """
    lines = (tasks / "tasks.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [(one, np.array([look(tasks / i["file"]) for i in one["images"]])) for one in found]


def look(path: Path | IO[bytes]) -> np.ndarray:
    """A picture as scikit-learn holds digits: 64 amounts of ink from 0 to 16."""
    small = Image.open(path).convert("L").resize((8, 8), Image.Resampling.BOX)
    return (255 - np.asarray(small, dtype=np.float64).ravel()) / 255 * 16


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
