"""Scores with one untrained teacher after the other: what is asked, what is said, what is refused."""

from pathlib import Path

import pytest
from files_support import rows_of
from scoring_support import write_truth

from benchmarks import teacher_ablation
from diswot_errors import UsageError

POOR = "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"


def given(tmp_path: Path, *more: str) -> list[str]:
    truth = str(write_truth(tmp_path / "truth.csv"))
    asked = ["--ground-truth", truth, "--batch-size", "8", "--workers", "1", "--device", "cpu"]
    return [*asked, "--store", str(tmp_path / "s.sqlite"), "--out", str(tmp_path / "run"), *more]


def test_each_teacher_has_a_column_and_the_same_teacher_the_same_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teachers = f"resnet20,{POOR},resnet20"
    with pytest.raises(UsageError, match="named twice"):
        teacher_ablation.main(given(tmp_path, "--teachers", teachers))
    assert teacher_ablation.main(given(tmp_path, "--proxies", "kd,m_s", "--teachers", f"resnet20,{POOR}")) == 0
    assert "scores change sign beyond their intervals" in capsys.readouterr().out
    rows = rows_of(tmp_path / "run" / "study-1.csv")
    assert {row["proxy"] for row in rows} == {"kd", "m_s", "params"}
    kd = next(row for row in rows if row["proxy"] == "kd")
    assert kd["teacher_1"] != kd["teacher_2"]
    drawn = (tmp_path / "run" / "study-1.intervals.svg").read_text(encoding="utf-8")
    assert drawn.count(">resnet20<") == 0 and drawn.count(">kd<") == drawn.count(">m_s<") == 1
    params = next(row for row in rows if row["proxy"] == "params")
    assert params["teacher_1"] == params["teacher_2"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--proxies", "params,nwot"), "none looks at a teacher"),
        (("--teacher", "resnet20"), "--teachers"),
        (("--teachers", "resnet21"), "resnet20"),
    ],
)
def test_wrong_use(tmp_path: Path, more: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        teacher_ablation.main(given(tmp_path, *more))
