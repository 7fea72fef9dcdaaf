"""What a search pays for a value, by hand."""

from test_search_objectives import SETTING, runner  # noqa: F401
from test_search_shared import task

from benchmarks.distill.trainer import EpochResult, Trainer
from benchmarks.search import Trial, Value, courses
from benchmarks.search.courses import course_of, shared_seconds
from benchmarks.search.options import parser
from benchmarks.search.scored import scored_objective
from benchmarks.search.trained import TrainedObjective
from benchmarks.search.weight_sharing import SharedEpoch
from nb201_data.skeleton import Skeleton
from nb201_data.space import distinct_cells, sample, sample_cells
from nb201_data.spaces import get_space


def test_a_training_is_worth_its_last_epoch_and_costs_all_of_them(monkeypatch) -> None:
    """Not the best one, which would be chosen on the images that it is judged by."""
    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 2, 8))
    objective = TrainedObjective(space, "lite", "embedded:2@8", epochs=3)
    tops = iter((60.0, 80.0, 70.0))
    monkeypatch.setattr(Trainer, "train_epoch", lambda self: EpochResult(1, 1.0, next(tops), 100.0, 1.0, 0.1))
    cell = sample_cells(1, 0)[0]
    assert objective.value(Trial(cell)).number == 70.0
    monkeypatch.setattr(TrainedObjective, "timed", lambda self, trial: Value(1.0, "", 2.0 * self.epochs))
    assert objective.probe([cell]) == 3 * 2.0


def test_references_are_drawn_by_the_seed(runner) -> None:  # noqa: F811
    for seed in (0, 3):
        both = scored_objective(runner, SETTING, seed, ["params", "nwot"])
        assert list(both._references) == sample(distinct_cells(), 100, seed)


def test_the_time_of_a_shared_training_is_scaled_from_a_few_steps(monkeypatch) -> None:
    """64 of 128 images took 3 s: 6 epochs of all take 6 * 3 * 2."""
    made = type("R", (), {"epochs": (SharedEpoch(0, "", 1.0, 50.0, 3.0),)})
    monkeypatch.setattr(courses, "search_shared", lambda name, few, settings: made)
    assert shared_seconds("rsps", task(), {}) == 36.0
    assert shared_seconds("rsps", task(max_images=32), {}) == 18.0


def test_an_estimate_ends_at_the_limit_of_seconds(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("benchmarks.search.scored.probe", lambda jobs: 2.0)
    given = ["--strategy", "random", "--score", "params", "--budget", "45", "--device", "cpu", "--workers", "1"]
    given += [
        "--ground-truth",
        "none",
        "--skeleton",
        "c4n1k4r8",
        "--images",
        "embedded",
        "--store",
        str(tmp_path / "s.sqlite"),
    ]
    for more, seconds in (([], 90.0), (["--max-seconds", "50"], 50.0)):
        with course_of(parser().parse_args([*given, *more])) as course:
            assert course.cost()[0] == seconds
