"""Record the numbers of all questions with the code of a checkout: `python tests/golden/record.py --checkout DIR`."""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NUMBERS = HERE / "numbers.json.gz"


def main() -> None:
    """Every question in a process of its own, which imports the checkout's code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=HERE.parents[1], help="whose code answers")
    parser.add_argument("--only", default="", help="a comma list of questions; the others keep their numbers")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path[:0] = [str(options.checkout.resolve()), str(HERE.parent)]
    from golden.questions import QUESTIONS

    if options.play:
        from golden.play import machine, play

        (question,) = (each for each in QUESTIONS if each.name == options.play)
        with tempfile.TemporaryDirectory() as folder:
            tables = play(question, Path(folder).resolve(), os.environ.get("NB201_DATA_DIR", ""))
        sys.stderr.flush()
        print(json.dumps({"machine": machine(), "tables": tables}))
        return
    kept = load() if options.only and NUMBERS.is_file() else {"machines": {}, "questions": {}}
    wanted = options.only.split(",") if options.only else [question.name for question in QUESTIONS]
    begin = time.monotonic()
    for name in wanted:
        asked = [sys.executable, __file__, "--checkout", str(options.checkout), "--play", name]
        answer = json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE).stdout)
        kept["questions"][name], kept["machines"][name] = answer["tables"], answer["machine"]
        order = [question.name for question in QUESTIONS]
        kept = {part: {name: kept[part][name] for name in order if name in kept[part]} for part in kept}
        save(kept)
        print(f"{time.monotonic() - begin:6.1f} s  {name}: {', '.join(answer['tables'])}", flush=True)


def save(content: dict[str, Any]) -> None:
    """The same content gives the same bytes."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    NUMBERS.write_bytes(gzip.compress(text.encode(), mtime=0))


def load() -> dict[str, Any]:
    """`machines`: of each question where it was recorded; `questions`: name -> file -> column -> cells."""
    content: dict[str, Any] = json.loads(gzip.decompress(NUMBERS.read_bytes()))
    return content


if __name__ == "__main__":
    main()
