#!/usr/bin/env python3
"""Compares Recurra with its peers on rows (a stack of layers, its sizes, what is done with it), row by row in quiet rounds
(see quiet.py and peers.py). What a row's time is of is told by `recurra bench --help` and by the peers' script.

usage: rows.py --python PEERS/bin/python [--only REGEX] [--write docs/performance.md]      the rows of rows.json
       rows.py --drawn 40 --seed 1 ...      shapes drawn from a grid (shapes.py), beside oneDNN alone

Prints a table; with --write puts it into a page, between the lines that mark its place. The run fails where a row had not
its quiet rounds, where a peer that RESULTS.md has on a row printed nothing, and, for drawn shapes, where one is slower than
oneDNN.
"""
import dataclasses
import datetime
import json
import math
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import textwrap

import page
import peers
import quiet
import shapes

PEER_LIMIT = 1.4
FLOOR_SHARE = 0.85


@dataclasses.dataclass
class Result:
    """A row's figures; times are milliseconds."""
    row: str
    outcome: quiet.Outcome
    ours: dict
    peer: str
    peer_ms: float
    floor_ms: float

    @property
    def ratio(self) -> float:
        return self.peer_ms / self.ours["ms"]

    @property
    def peer_over_floor(self) -> float:
        return self.peer_ms / self.floor_ms

    @property
    def aim(self) -> float:
        """What the ratio shall be: no more than the floor leaves room for, and never less than 1."""
        return max(1.0, min(PEER_LIMIT, FLOOR_SHARE * self.peer_over_floor))

    @property
    def of_peak(self) -> float:
        """Of the peak of all threads, whether or not it took them."""
        return self.ours["gflops"] / max(one["peak2"] for one in self.outcome.peaks)

    def scaling(self) -> float | None:
        """How many times as fast two threads are as one."""
        one, two = (self.outcome.at.get((quiet.OURS, threads)) for threads in (1, 2))
        return one["ms"] / two["ms"] if one and two else None


def result_of(outcome: quiet.Outcome) -> Result | None:
    peer = quiet.fastest_peer(outcome)
    if quiet.OURS not in outcome.best or peer is None or not outcome.peaks:
        return None
    floors = [line["floor_ms"] for (name, _), line in outcome.at.items() if name == quiet.OURS]
    return Result(outcome.row, outcome, outcome.best[quiet.OURS], peer, outcome.best[peer]["ms"], min(floors))


def contenders(arguments, row: dict, asked: list[str], folder: str) -> list[quiet.Contender]:
    path = str(pathlib.Path(folder) / f"{row['name']}.json")
    pathlib.Path(path).write_text(json.dumps([row]), encoding="utf-8")
    found = []
    for threads in map(int, arguments.threads.split(",")):
        ours = [arguments.program, "bench", "--rows", path, "--seconds", str(arguments.seconds), "--threads", str(threads)]
        found.append(quiet.Contender(quiet.OURS, threads, ours + ["--json"]))
        for peer in asked:
            theirs = peers.command(arguments.python, peer, row, path, arguments.seconds, threads)
            found.append(quiet.Contender(peer, threads, theirs))
    return found


def measure(arguments, rows: list[dict], asked: dict[str, list[str]]) -> list[quiet.Outcome]:
    """The rows' outcomes; with --json each is written as soon as it is there, with --resume not measured again."""
    known = quiet.read_lines(arguments.json) if arguments.resume else {}
    outcomes = [known[row["name"]] for row in rows if row["name"] in known]
    if arguments.json:
        quiet.write_lines(outcomes, arguments.json)
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            if row["name"] not in known:
                outcomes.append(quiet.measure(row["name"], contenders(arguments, row, asked[row["name"]], folder), arguments))
                if arguments.json:
                    quiet.write_lines(outcomes[-1:], arguments.json, "a")
    places = {row["name"]: place for place, row in enumerate(rows)}
    return sorted(outcomes, key=lambda outcome: places[outcome.row])


def faults_of(outcomes: list[quiet.Outcome], able: dict[str, list[str]], keep: int) -> list[str]:
    """What is missing; `able`: the peers that must have a time."""
    faults = []
    for outcome in outcomes:
        if outcome.kept < keep:
            faults.append(f"{outcome.row}: {outcome.kept} quiet rounds of {keep}")
        for name in [quiet.OURS, *able.get(outcome.row, [])]:
            if name in outcome.errors:
                faults.append(f"{outcome.row}: {name}: {outcome.errors[name]}")
            elif outcome.kept and name not in outcome.best:
                faults.append(f"{outcome.row}: {name} printed nothing")
    return faults


def geometric_mean(results: list[Result]) -> float:
    return math.exp(statistics.fmean(math.log(one.ratio) for one in results))


def print_text(results: list[Result]) -> None:
    print(f"{'row':24}{'ours ms':>10}{'peer ms':>10}  {'fastest':9}{'ratio':>6}{'floor ms':>10}{'F':>6}{'aim':>6}  met  "
          f"{'GF/s':>6} {'peak':>5} {'2 to 1':>6} {'pack ms':>8} kept dropped")
    for one in results:
        scaling = one.scaling()
        print(f"{one.row:24}{one.ours['ms']:10.4g}{one.peer_ms:10.4g}  {one.peer:9}{one.ratio:6.2f}{one.floor_ms:10.4g}"
              f"{one.peer_over_floor:6.2f}{one.aim:6.2f}  {'yes' if one.ratio >= one.aim else 'NO ':3}  "
              f"{one.ours['gflops']:6.1f} {100 * one.of_peak:3.0f} % {scaling or math.nan:6.2f} {one.ours['pack_ms']:8.4f} "
              f"{one.outcome.kept:4} {one.outcome.dropped:7}")
    print(f"geometric mean of the ratios {geometric_mean(results):.3f}, worst {min(one.ratio for one in results):.3f}, "
          f"aims met {sum(one.ratio >= one.aim for one in results)} of {len(results)}")


def compiler_of(program: str) -> str:
    """What built the program, from its build's cache."""
    cache = pathlib.Path(program).resolve().parent.parent / "CMakeCache.txt"
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache.read_text(encoding="utf-8"), re.M) if cache.exists() else None
    if not found:
        return "an unknown compiler"
    return subprocess.run([found[1], "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]


def conditions(arguments, results: list[Result]) -> str:
    """Machine, versions, date, rounds and command."""
    info = dict(re.split(r" {2,}", line, maxsplit=1) for line in
                subprocess.run([arguments.program, "info"], check=True, capture_output=True, text=True).stdout.splitlines())
    peaks = [one for result in results for one in result.outcome.peaks]
    peak1, peak2 = (max(one[name] for one in peaks) for name in ("peak1", "peak2"))
    handoff = statistics.median(one["handoff_ns"] for one in peaks)
    dropped = sum(result.outcome.dropped for result in results)
    command = [{arguments.python: "PEERS/bin/python"}.get(argument, argument) for argument in sys.argv[1:]
               if argument not in ("--json", arguments.json, "--resume")]
    text = (f"Measured on {datetime.date.today()} on {os.cpu_count()} processors of {info['processor']} ({info['L2 cache']} of "
            f"second-level cache each; FMA peak in f32 {peak1:.0f} GF/s on one thread, {peak2:.0f} on two; a flag takes "
            f"{handoff:.0f} ns from one to the other), target {info['target'].split()[0]}, {compiler_of(arguments.program)}. "
            f"Peers: {peers.versions(arguments.python)}. Minima over at least {min(result.outcome.kept for result in results)} quiet "
            f"rounds a row; {dropped} rounds of {sum(result.outcome.kept for result in results) + dropped} were dropped.")
    return f"{textwrap.fill(text, 120)}\n\n    benchmarks/rows.py {shlex.join(command)}\n"


def rows_section(arguments, results: list[Result], outcomes: list[quiet.Outcome]) -> str:
    """The page's section; `outcomes` are those of all rows, results those that can be judged."""
    names = [name for name in peers.NAMES.values() if any(name in one.outcome.best for one in results)]

    def time(one: Result, name: str) -> str:
        line = one.outcome.best.get(name)
        text = f"{line['ms']:.4g} ({line['threads']})" if line else "-"
        return f"**{text}**" if name == quiet.OURS else text

    table = [[one.row, *(time(one, name) for name in [quiet.OURS, *names]), f"{one.ratio:.2f}", f"{one.aim:.2f}",
              f"{one.floor_ms:.4g}", f"{one.peer_over_floor:.2f}", f"{100 * one.of_peak:.0f} %",
              f"{one.scaling():.2f}" if one.scaling() else "-", f"{one.ours['pack_ms']:.3g}"] for one in results]
    columns = ["row", quiet.OURS, *names, "ratio", "aim", "floor", "F", "of the peak", "2 to 1", "packing"]
    short = [one.row for one in results if one.ratio < one.aim] + missing(results, outcomes)
    return (conditions(arguments, results) +
            "\nMilliseconds (threads), the better of one and two threads. ratio: fastest peer / recurra; floor: the least\n"
            "that the peak and the caches allow (`recurra bench --help`); F: fastest peer / floor; aim: what the ratio shall be, the smaller of\n"
            f"{PEER_LIMIT} and {FLOOR_SHARE} F; of the peak: of both threads; 2 to 1: two threads against one; packing: of our\n"
            "weights, inside the time in training.\n\n" + page.section_of(table, columns) +
            f"\nGeometric mean of the ratios: {geometric_mean(results):.2f}. "
            f"Short of the aim: {', '.join(short) if short else 'none'}.\n")


def missing(results: list[Result], outcomes: list[quiet.Outcome]) -> list[str]:
    """Rows that cannot be judged."""
    judged = {one.row for one in results}
    return [outcome.row for outcome in outcomes if outcome.row not in judged]


def drawn_section(arguments, results: list[Result], outcomes: list[quiet.Outcome]) -> str:
    """As rows_section."""
    table = [[one.row, f"{one.ours['ms']:.4g} ({one.ours['threads']})",
              f"{one.peer_ms:.4g} ({one.outcome.best[one.peer]['threads']})", f"{one.ratio:.2f}",
              f"{100 * one.of_peak:.0f} %"] for one in results]
    slower = [one.row for one in results if one.ratio < 1.0]
    failing = missing(results, outcomes)
    return (conditions(arguments, results) +
            "\nMilliseconds (threads); ratio: oneDNN / recurra. A name is mode, cell, layers x directions, input, units,\n"
            "batch, steps. More than the peak\n"
            "is what one step without initial states reaches: it has no recurrent product, but this is counted.\n\n" + page.section_of(table, ["shape", quiet.OURS, "oneDNN", "ratio", "of the peak"]) +
            f"\nGeometric mean of the ratios: {geometric_mean(results):.2f}. Slower than oneDNN: "
            f"{', '.join(slower) if slower else 'none'}." +
            (f" oneDNN fails on: {', '.join(failing)}." if failing else "") + "\n")


def arguments_of() -> object:
    parser = quiet.parser(__doc__)
    parser.set_defaults(python=peers.default_python())
    parser.add_argument("--rows", metavar="FILE", help="other rows than those of rows.json")
    parser.add_argument("--drawn", type=int, metavar="COUNT", help="as many shapes drawn from the grid in place of rows")
    parser.add_argument("--seed", type=int, default=1, help="of the drawing, default 1")
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose name has a match")
    parser.add_argument("--peers", help="these only, with commas between: " + ", ".join(peers.NAMES.values()))
    parser.add_argument("--seconds", type=float, default=0.3, help="for each row, peer and number of threads, default 0.3")
    parser.add_argument("--write", metavar="PAGE", help="put the table into this page")
    parser.add_argument("--resume", action="store_true",
                        help="rows that the file of --json has are taken from there, the others measured and added")
    arguments = parser.parse_args()
    if arguments.resume and not arguments.json:
        parser.error("--resume requires --json")
    return arguments


def rows_and_peers(arguments) -> tuple[list[dict], dict[str, list[str]], dict[str, list[str]]]:
    """The rows, the peers to be run on each, and those that must have a time there."""
    if arguments.drawn:
        rows = shapes.drawn(arguments.drawn, arguments.seed)
        able, wanted = {}, ["onednn"]
    else:
        rows = peers.f32_rows(pathlib.Path(arguments.rows) if arguments.rows else peers.folder() / "rows.json")
        able = peers.able_peers()
        wanted = arguments.peers.split(",") if arguments.peers else list(peers.NAMES.values())
    rows = [row for row in rows if re.search(arguments.only, row["name"])]
    if not rows:
        raise SystemExit(f"no row's name matches {arguments.only!r}")
    # Of rows that RESULTS.md does not know everybody is asked and nobody must answer.
    able = {name: [peer for peer in wanted if peer in found] for name, found in able.items()}
    return rows, {row["name"]: able.get(row["name"], wanted) for row in rows}, able


def main() -> int:
    arguments = arguments_of()
    rows, asked, able = rows_and_peers(arguments)
    outcomes = measure(arguments, rows, asked)
    results = [result for result in map(result_of, outcomes) if result]
    faults = faults_of(outcomes, able, arguments.keep)
    if results:
        print_text(results)
    if arguments.drawn:
        faults += [f"{one.row}: slower than oneDNN: {one.ratio:.3f}" for one in results if one.ratio < 1.0]
        if not results:
            faults.append("oneDNN ran none of the shapes")
    for fault in faults:
        print(fault, file=sys.stderr)
    if arguments.write and results:
        name, section = ("rows.py --drawn", drawn_section) if arguments.drawn else ("rows.py", rows_section)
        page.write(arguments.write, name, section(arguments, results, outcomes))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
