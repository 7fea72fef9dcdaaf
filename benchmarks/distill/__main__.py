"""Train students with one or several distillers: `python -m benchmarks.distill --student s0:333 --distiller ce,kd`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import shell
from benchmarks.distill.protocols import PROTOCOLS, get_protocol


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser("distill", "Train a student from a teacher with one or several distillers; resumable.")
    parser.add_argument("--student", required=True, metavar="ARCH|INDEX|SPACE:ARCH|RESNET", help="the network to train")
    parser.add_argument("--distiller", default="ce,kd", help="comma list; see --list")
    parser.add_argument("--teacher", default=None, help="a CIFAR ResNet (default: the protocol's)")
    parser.add_argument("--teacher-weights", type=Path, help="its file (default: the data folder's, else trained here)")
    parser.add_argument("--protocol", default="short", help=", ".join(PROTOCOLS))
    parser.add_argument("--images", default=None, help="cifar10, cifar100, embedded, ...@16 (default: the protocol's)")
    parser.add_argument("--epochs", type=shell.positive, help="another length than the protocol's")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="another precision than the protocol's")
    parser.add_argument("--seeds", type=shell.positive, default=1, help="repetitions of each distiller")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/distill-STUDENT-PROTOCOL-IMAGES)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--workers", type=shell.positive, help="runs at a time (default: cores on a CPU, 1 on a GPU)")
    parser.add_argument("--list", action="store_true", help="list distillers and protocols and stop")
    if "--list" in (sys.argv[1:] if argv is None else argv):
        return _list()
    options = parser.parse_args(argv)

    protocol = get_protocol(options.protocol)
    changes = {
        "images": options.images,
        "epochs": options.epochs,
        "precision": options.precision,
        "teacher": options.teacher,
    }
    protocol = replace(protocol, **{key: value for key, value in changes.items() if value is not None})
    device = shell.choose_device(options.device)

    from benchmarks.distill import jobs
    from benchmarks.distill.page import write_page
    from reports.tables import as_text

    plan = jobs.plan(options.student, options.distiller, options.seeds, options.teacher_weights, protocol, str(device))
    folder = f"distill-{jobs.student_of(plan).slug}-{protocol.name}-{protocol.images.replace(':', '-')}"
    plan = replace(plan, out=shell.prepare_output(options.out or Path("runs") / folder))
    histories = jobs.run(plan, options.workers or shell.default_workers(str(device)))
    command = ["python", "-m", "benchmarks.distill", *(sys.argv[1:] if argv is None else argv)]
    table, page = write_page(plan, histories, command)
    print(f"\n{as_text(table)}\n{page}")
    return 0


def _list() -> int:
    from proxies.distillation import losses

    print("distillers")
    for name in losses.names():
        loss = losses.get(name)
        print(f"  {name:10} teacher: {loss.teaching:10} {loss.paper}")
    print("protocols")
    for protocol in PROTOCOLS.values():
        print(f"  {protocol.name:12} {protocol.note}")
    return 0


if __name__ == "__main__":
    shell.run(main)
