"""Records as pandas tables."""

from pathlib import Path

import pandas as pd
import pytest
from reports_support import MANIFEST

from diswot_errors import UsageError
from nb201_data.ground_truth import load_ground_truth
from reports.frames import frame
from reports.records import Run, write_run
from reports.schema import Correlation, Estimate, TruthRow


def test_a_run_as_frames(tmp_path: Path) -> None:
    row = Correlation("nwot", "higher", "ok", 3, 0, "", 1, 10, kendall=Estimate(0.5, 0.1, 0.9, None))
    write_run(tmp_path, Run(MANIFEST, truth=(TruthRow("a", 1.5), TruthRow("b", 2.5)), correlations=(row,)))
    pd.testing.assert_frame_equal(frame(tmp_path, "truth"), pd.DataFrame({"arch": ["a", "b"], "accuracy": [1.5, 2.5]}))
    table = frame(tmp_path, "correlations")
    assert (table.kendall[0], table.kendall_low[0], table.kendall_high[0]) == (0.5, 0.1, 0.9)
    with pytest.raises(UsageError, match="unknown table 'score'"):
        frame(tmp_path, "score")


def test_a_ground_truth_as_a_frame(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    cell = "|none~0|+|none~0|none~1|+|none~0|none~1|{}~2|"
    file.write_text(f"arch,accuracy\n{cell.format('none')},1.0\n{cell.format('skip_connect')},2.0\n")
    table = load_ground_truth(file).frame()
    assert table.accuracy.tolist() == [1.0, 2.0] and set(table.space) == {"nb201"}
