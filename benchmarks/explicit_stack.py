#!/usr/bin/env python3
"""Compares CNTK's OptimizedRNNStack as one blob with the same network written out step by step, ours and PyTorch's, and
with PyTorch's nn.LSTM, in quiet rounds (see quiet.py). What is timed is told in explicit_stack.cpp.

usage: explicit_stack.py --python PEERS/bin/python [--write docs/performance.md]      with torch in that environment
"""
import datetime
import sys

import page
import quiet

NAMES = {quiet.OURS: "recurra, one blob", "recurra-explicit": "recurra, written out in differentiable functions",
         "torch-explicit": "PyTorch, written out with LSTMCell", "torch-fused": "PyTorch, nn.LSTM"}


def contenders(arguments, threads: int) -> list[quiet.Contender]:
    script = [arguments.python, str(quiet.ROOT / "benchmarks/explicit_pytorch.py"), "--threads", str(threads)]
    commands = {peer: [arguments.program, peer, str(threads)] for peer in (quiet.OURS, "recurra-explicit")}
    commands |= {"torch-explicit": script, "torch-fused": [*script, "--fused"]}
    return [quiet.Contender(peer, threads, command) for peer, command in commands.items()]


def section(outcome: quiet.Outcome) -> str:
    peak1, peak2 = (max(one[name] for one in outcome.peaks) for name in ("peak1", "peak2"))
    ours = outcome.best[quiet.OURS]["ms"]
    table = [[NAMES[peer], f"{line['ms']:.1f} ({line['threads']})", f"{line['ms'] / ours:.2f}"]
             for peer, line in sorted(outcome.best.items(), key=lambda item: item[1]["ms"])]
    return (f"Measured on {datetime.date.today()}; FMA peak {peak1:.0f} GF/s on one thread, {peak2:.0f} on two.\n"
            f"{outcome.kept} rounds were kept, {outcome.dropped} dropped. Milliseconds (threads).\n\n"
            + page.section_of(table, ["network", "a training step", "times of the blob's"]))


def main() -> int:
    parser = quiet.parser(__doc__)
    parser.set_defaults(program=str(quiet.ROOT / "build/dev/benchmarks/benchmark_explicit_stack"))
    parser.add_argument("--write", metavar="PAGE", help="put the table into this page")
    arguments = parser.parse_args()
    asked = [one for threads in arguments.threads.split(",") for one in contenders(arguments, int(threads))]
    outcome = quiet.measure("stack-3x512-both", asked, arguments)
    status = quiet.report([outcome], arguments)
    if arguments.write and not status:
        page.write(arguments.write, "explicit_stack.py", section(outcome))
    return status


if __name__ == "__main__":
    sys.exit(main())
