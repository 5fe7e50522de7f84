#!/usr/bin/env python3
"""Compares every cell with oneDNN's, at 256 inputs and units over 50 steps, in quiet rounds (see quiet.py).

usage: cells.py [--only REGEX] [--batches 1,32] [--write docs/performance.md] [--json FILE]

Prints a table, and with --write puts it into a page, between the lines that mark its place. What is timed is told in
cells.cpp. Where oneDNN is not built in (tools/fetch_onednn.py fetches it) or has no such cell, ours stands alone. The run fails where a
pass has no time, and in batches of 16 and more where a flop takes longer than 1.2 times the lstm's (gru and augru 1.35).
"""
import datetime
import re
import subprocess
import sys

import page
import quiet

ONEDNN = "onednn"
MOST_OVER_LSTM = {"": 1.2, "gru": 1.35, "augru": 1.35}  # the two products of these wait for each other


def listed_cells(program: str) -> list[tuple[str, str, list[str]]]:
    """The program's cells, what oneDNN calls them, if it has them, and the passes of ours."""
    lines = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [(cell, theirs, passes.split(";")) for cell, theirs, passes in (line.split("\t") for line in lines)]


def split_row(row: str) -> tuple[str, str, str]:
    """Cell, batch and pass; there are commas in names of cells and of passes."""
    cell, _, task = row.rpartition(", batch ")
    batch, _, work = task.partition(", ")
    return cell, batch, work


def contenders(arguments, cell: str, theirs: str, batch: int) -> list[quiet.Contender]:
    found = []
    for threads in arguments.threads.split(","):
        for peer in [quiet.OURS] + ([ONEDNN] if theirs else []):
            # oneDNN dies where the processor tells of AMX and the system hides its tiles.
            command = ["env", f"OMP_NUM_THREADS={threads}", "ONEDNN_MAX_CPU_ISA=AVX512_CORE", arguments.program,
                       peer, cell, str(batch), threads, str(arguments.seconds)]
            found.append(quiet.Contender(peer, int(threads), command))
    return found


def size(count: int) -> str:
    return f"{count / 2**20:.3g}" if count else "0"


def over_lstm(outcome: quiet.Outcome, outcomes: list[quiet.Outcome]) -> float | None:
    """Time of a flop in times of the lstm's in the same batch and pass, where that was measured."""
    task = split_row(outcome.row)[1:]
    for other in outcomes:
        if split_row(other.row) == ("lstm", *task):
            return other.best[quiet.OURS]["gflops"] / outcome.best[quiet.OURS]["gflops"]
    return None


def table_row(outcome: quiet.Outcome, outcomes: list[quiet.Outcome]) -> list[str]:
    """One line of the table; peaks and times are of the same rounds."""
    cell, batch, work = split_row(outcome.row)
    over = over_lstm(outcome, outcomes)
    ours, theirs = outcome.best[quiet.OURS], outcome.best.get(ONEDNN)
    peak = max(one["peak2"] for one in outcome.peaks)

    def memory(line: dict) -> str:
        return " + ".join(size(line[what]) for what in ("workspace", "scratch", "weights"))

    return [cell, batch, work, f"**{ours['ms']:.3g}** ({ours['threads']})",
            f"{theirs['ms']:.3g} ({theirs['threads']})" if theirs else "-",
            f"{theirs['ms'] / ours['ms']:.2f}" if theirs else "-", f"{100 * ours['gflops'] / peak:.0f} %",
            f"{over:.2f}" if over else "-", memory(ours), memory(theirs) if theirs else "-"]


def slow_cells(outcomes: list[quiet.Outcome]) -> list[str]:
    """Where a flop takes longer than it may, in times of the lstm's; small batches wait for other things than flops."""
    found = []
    for outcome in outcomes:
        cell, batch, _ = split_row(outcome.row)
        over = over_lstm(outcome, outcomes)
        if int(batch) >= 16 and over and over > MOST_OVER_LSTM.get(cell, MOST_OVER_LSTM[""]):
            found.append(f"{outcome.row}: a flop takes {over:.2f} times that of the lstm")
    return found


def section(outcomes: list[quiet.Outcome]) -> str:
    peaks = [one for outcome in outcomes for one in outcome.peaks]
    dropped = {split_row(outcome.row)[:2]: outcome.dropped for outcome in outcomes}
    peak1, peak2 = (max(one[name] for one in peaks) for name in ("peak1", "peak2"))
    head = (f"Measured on {datetime.date.today()}; FMA peak {peak1:.0f} GF/s on one thread, {peak2:.0f} on two.\n"
            "Milliseconds (threads), the better of one and two threads; ratio: oneDNN / recurra; of the peak of both\n"
            "threads; flop: time of one in times of the lstm's; memory in MiB: workspace + scratch + weights in the order the kernels read them. For each cell and\n"
            f"batch {outcomes[0].kept} rounds were kept, of all {sum(dropped.values())} were dropped.\n")
    if any(outcome.row.endswith("overwriting") for outcome in outcomes):
        head += "In the pass \"backward, overwriting\" gradients of weights are not added to what is there, but written over it.\n"
    columns = ["cell", "batch", "pass", "recurra", "oneDNN", "ratio", "of the peak", "flop", "memory", "oneDNN's"]
    return head + "\n" + page.section_of([table_row(outcome, outcomes) for outcome in outcomes], columns)


def main() -> int:
    parser = quiet.parser(__doc__)
    parser.set_defaults(program=str(quiet.ROOT / "build/dev/benchmarks/benchmark_cells"))
    parser.add_argument("--only", default="", metavar="REGEX", help="cells whose name has a match")
    parser.add_argument("--batches", default="1,32")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each pass, peer and number of threads")
    parser.add_argument("--write", metavar="PAGE", help="put the table into this page")
    arguments = parser.parse_args()
    outcomes, wanted = [], 0
    for cell, theirs, passes in listed_cells(arguments.program):
        if not re.search(arguments.only, cell):
            continue
        for batch in map(int, arguments.batches.split(",")):
            name = f"{cell}, batch {batch}"
            asked = contenders(arguments, cell, theirs, batch)
            found = quiet.measure_rows(name, asked, arguments)
            wanted += len(passes)
            outcomes += [found[f"{name}, {one}"] for one in passes if f"{name}, {one}" in found]
            for outcome in found.values():
                for peer, error in outcome.errors.items():
                    print(f"{outcome.row}: {peer} failed: {error}", file=sys.stderr)
    complete = [outcome for outcome in outcomes if quiet.OURS in outcome.best]
    if not complete:
        raise SystemExit("no quiet round")
    print(section(complete))
    if arguments.write:
        page.write(arguments.write, "cells.py", section(complete))
    if arguments.json:
        quiet.write_lines(outcomes, arguments.json)
    slow = slow_cells(complete)
    for fault in slow:
        print(fault, file=sys.stderr)
    return int(len(complete) < wanted or bool(slow))


if __name__ == "__main__":
    sys.exit(main())
