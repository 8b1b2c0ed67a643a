"""Work in a store: known by its inputs, stored whole or not at all, done by one process at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import StoreError
from freshset.store.array_file import ArrayFile
from freshset.store.works import WorkFailure, Works, WorkSpec

SPEC = WorkSpec.of("fold", seed=3, rows=(1, 2), name="é")


def finished(works: Works, spec: WorkSpec = SPEC, value: float = 0.5) -> None:
    claim = works.claim(spec)
    assert claim is not None
    with claim:
        claim.finish({"score": value}, {"right": np.array([True, False])})


class TestWorkSpec:
    def test_is_its_inputs_whatever_their_order(self) -> None:
        same = WorkSpec.of("fold", name="é", rows=[1, 2], seed=3)
        assert same == SPEC
        assert same.identity == SPEC.identity
        assert SPEC.inputs == {"seed": 3, "rows": [1, 2], "name": "é"}

    def test_every_part_changes_the_identity(self) -> None:
        others = [
            WorkSpec.of("folds", seed=3, rows=(1, 2), name="é"),
            WorkSpec.of("fold", seed=4, rows=(1, 2), name="é"),
            WorkSpec.of("fold", seed=3, rows=(1, 2)),
        ]
        assert len({SPEC.identity, *(other.identity for other in others)}) == 4

    def test_identity_is_pinned(self) -> None:
        # sha256sum of freshset.work/1 NUL fold NUL {"seed":3}; another would orphan what users stored.
        text = WorkSpec.of("fold", seed=3).identity
        assert text == "6641c6fc4c629b12b1b67baa96435f5c7333b618d1006c239a886fee86eb8fe0"


class TestWorks:
    def test_keeps_document_and_arrays(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        assert works.get(SPEC) is None
        assert not works.has(SPEC)
        finished(works)
        work = works.get(SPEC)
        assert work is not None
        assert works.has(SPEC)
        assert work.spec == SPEC
        assert work.document == {"score": 0.5}
        right = work.array("right")
        assert isinstance(right, np.memmap)
        np.testing.assert_array_equal(right, [True, False])
        assert list(works.all("fold")) == [work]
        assert list(works.all("features")) == []
        assert works.damaged() == ()
        assert not (tmp_path / "works" / "partial").exists() or not any(
            (tmp_path / "works" / "partial").iterdir()
        )

    def test_moves_arrays_that_were_written_into_its_folder(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        claim = works.claim(SPEC)
        assert claim is not None
        with claim:
            np.save(claim.folder / "big.npy", np.arange(5))
            work = claim.finish({}, {"rows": claim.folder / "big.npy"})
        np.testing.assert_array_equal(work.array("rows"), np.arange(5))
        assert not claim.folder.exists()

    def test_takes_rows_that_were_written_as_they_came(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        claim = works.claim(SPEC)
        assert claim is not None
        with claim:
            file = ArrayFile(claim.folder / "rows.npy", 2, "float32")
            file.append(np.ones((1, 3)))
            file.append(np.zeros((1, 3)))
            work = claim.finish({}, {"rows": file})
        assert work.array("rows").tolist() == [[1, 1, 1], [0, 0, 0]]
        assert works.damaged() == ()  # the digest is that of the file

    def test_one_process_at_a_time(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        first = works.claim(SPEC)
        assert first is not None
        assert works.claim(SPEC) is None
        assert works.is_live(SPEC)
        first.close()
        assert not works.is_live(SPEC)
        second = works.claim(SPEC)
        assert second is not None
        second.close()

    def test_what_is_kept_outlives_the_process(self, tmp_path: Path) -> None:
        code = f"""
            import os, signal
            from pathlib import Path
            from freshset.store.works import Works, WorkSpec
            claim = Works(Path({str(tmp_path)!r})).claim(
                WorkSpec.of("fold", seed=3, rows=(1, 2), name="é")
            )
            (claim.folder / "checkpoint").write_text("step 7")
            os.kill(os.getpid(), signal.SIGKILL)
        """
        ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
        assert ended.returncode == -signal.SIGKILL
        works = Works(tmp_path)
        assert works.is_begun(SPEC)
        assert not works.is_live(SPEC)
        works.sweep()  # unfinished work is not swept away
        claim = works.claim(SPEC)
        assert claim is not None
        with claim:
            assert (claim.folder / "checkpoint").read_text() == "step 7"
            claim.finish({}, {})
        assert not works.is_begun(SPEC)

    def test_a_result_that_was_not_finished_is_made_anew(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        claim = works.claim(SPEC)
        assert claim is not None
        (claim.folder / "result").mkdir()
        (claim.folder / "result" / "right.npy").write_bytes(b"half")
        claim.close()
        finished(works)
        work = works.get(SPEC)
        assert work is not None
        assert len(work.array("right")) == 2

    def test_the_first_of_two_equal_results_stays(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        finished(works, value=0.5)
        finished(works, value=0.7)
        work = works.get(SPEC)
        assert work is not None
        assert work.document == {"score": 0.5}
        assert not works.is_begun(SPEC)

    def test_failures_last_until_the_work_is_done(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        failure = WorkFailure(SPEC, "fold 3", "The loss is not finite.", "Lower the rate.")
        works.put_failure(failure)
        assert works.failures("fold") == (failure,)
        assert works.failure(SPEC) == failure
        finished(works)
        assert works.failures("fold") == ()
        assert works.failure(SPEC) is None

    def test_says_what_is_damaged(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        finished(works)
        work = works.get(SPEC)
        assert work is not None
        path = work.folder / "right.npy"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert works.damaged() == (f"{path}: is damaged.",)
        path.write_bytes(b"")
        with pytest.raises(StoreError, match="cannot be read"):
            work.array("right")
        (work.folder / "work.json").write_text("{")
        with pytest.raises(StoreError, match="is damaged"):
            works.get(SPEC)
        assert len(works.damaged()) == 1

    def test_a_result_under_a_false_name_is_not_believed(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        finished(works)
        work = works.get(SPEC)
        assert work is not None
        path = work.folder / "work.json"
        path.write_text(path.read_text().replace('"seed": 3', '"seed": 4'))
        with pytest.raises(StoreError, match="identity"):
            works.get(SPEC)

    def test_sweep_leaves_what_is_alive(self, tmp_path: Path) -> None:
        works = Works(tmp_path)
        works.sweep()
        claim = works.claim(SPEC)
        assert claim is not None
        (claim.folder / "checkpoint").touch()
        dead = works.claim(WorkSpec.of("fold", seed=4))
        assert dead is not None
        dead.close()
        works.sweep()
        assert claim.folder.exists()
        assert not dead.folder.exists()
        claim.close()
        assert [path.name for path in claim.folder.iterdir()] == ["checkpoint"]
