"""What the tests of the reports share."""

from reports.schema import Manifest

MANIFEST = Manifest(
    command=["python", "-m", "benchmarks.correlation", "--proxies", "nwot,m_*"],
    date="2025-01-02T03:04:05Z",
    config={"sample": 60, "init": "gaussian"},
    versions={"python": "3.11.7"},
    device="cpu",
    seeds=[0, 1],
    ground_truth="kd-nb201",
    ground_truth_note="12 epochs",
    images="embedded",
    skeleton="16-32-64",
    space="nb201",
)
