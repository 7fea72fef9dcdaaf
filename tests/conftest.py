"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder named by NB201_DATA_DIR, where the reference data lie; tests that need it skip without it."""
    folder = os.environ.get("NB201_DATA_DIR", "")
    if not folder or not (Path(folder) / "nb201" / "accuracies.csv.gz").is_file():
        pytest.skip("needs reference data: set NB201_DATA_DIR to a folder with nb201/accuracies.csv.gz")
    return Path(folder).resolve()
