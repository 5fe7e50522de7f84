"""Quiet rounds: times of several programs that may be compared, on a machine that is shared with others.

In a round every contender runs once, in turn; the machine's peak is measured before and after. Where two threads do
not reach 1.8 times one, something else ran or two processors were one core: the round is dropped and counted, and so it
is, where that is asked for, when the two did not share a cache, which a flag from one to the other tells. A round that
begins so is not run. What counts is each peer's minimum over the rounds that are kept, at whatever number of threads it
likes best.
"""
import argparse
import dataclasses
import json
import math
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = "recurra"
QUIET = 1.8


@dataclasses.dataclass
class Contender:
    name: str  # to blame when nothing comes out
    threads: int
    command: list[str]  # prints JSON lines with peer and ms, seconds or error


@dataclasses.dataclass
class Outcome:
    row: str
    best: dict[str, dict] = dataclasses.field(default_factory=dict)  # peer: its fastest line
    at: dict[tuple[str, int], dict] = dataclasses.field(default_factory=dict)  # the same for each number of threads
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    peaks: list[dict] = dataclasses.field(default_factory=list)  # of the kept rounds
    kept: int = 0
    dropped: int = 0

    def add(self, line: dict) -> None:
        peer = line["peer"]
        if "error" in line:
            self.errors[peer] = line["error"]
            return
        for lines, key in ((self.best, peer), (self.at, (peer, line["threads"]))):
            if key not in lines or line["ms"] < lines[key]["ms"]:
                lines[key] = line


def peak() -> dict:
    """The machine now: {"peak1": GF/s of one thread, "peak2": of two at once, "handoff_ns": of a flag between two}."""
    source, program = ROOT / "benchmarks/fma_peak.cpp", ROOT / "build/fma_peak"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(exist_ok=True)
        flags = ["-std=c++20", "-O2", "-march=native", "-pthread"]
        subprocess.run(["g++", *flags, str(source), "-o", str(program)], check=True)
    return json.loads(subprocess.run([program], check=True, capture_output=True).stdout)


def run(contender: Contender) -> list[dict]:
    """The lines a contender prints; one line with "error" if it prints none or fails."""
    try:
        done = subprocess.run(contender.command, capture_output=True, text=True, timeout=900)
        problem = done.returncode and (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        problem, lines = str(error), []
    if problem or not lines:
        lines.append({"peer": contender.name, "error": problem or "printed nothing"})
    for line in lines:
        line.setdefault("threads", contender.threads)
        if "seconds" in line:
            line["ms"] = 1e3 * line["seconds"]
    return lines


def is_quiet(one: dict, handoff: float) -> bool:
    return one["peak2"] >= QUIET * one["peak1"] and one["handoff_ns"] <= handoff


def measure_rows(name: str, contenders: list[Contender], arguments: argparse.Namespace) -> dict[str, Outcome]:
    """Outcomes by the row that a line names, in the order of their first lines; `name` for lines that name none."""
    outcomes: dict[str, Outcome] = {}
    kept, dropped, peaks = 0, 0, []
    for number in range(arguments.limit):
        before = peak()
        quiet = is_quiet(before, arguments.handoff)
        # Every other round backwards, so that none always runs in another's heat.
        order = contenders[:: -1 if number % 2 else 1] if quiet else []
        lines = [line for contender in order for line in run(contender)]
        after = peak() if quiet else before
        quiet = quiet and is_quiet(after, arguments.handoff)
        print(f"{name}: round {number + 1} {'kept' if quiet else 'dropped'}", file=sys.stderr)
        for line in lines:
            outcome = outcomes.setdefault(line.get("row", name), Outcome(line.get("row", name)))
            if quiet or "error" in line:
                outcome.add(line)
        if quiet:
            kept += 1
            peaks += [before, after]
            if kept == arguments.keep:
                break
        else:
            dropped += 1
            time.sleep(2)  # whoever disturbs may be done soon
    for outcome in outcomes.values():
        outcome.kept, outcome.dropped, outcome.peaks = kept, dropped, peaks
    return outcomes


def measure(row: str, contenders: list[Contender], arguments: argparse.Namespace) -> Outcome:
    """The outcome of the only row that the contenders run."""
    return measure_rows(row, contenders, arguments).get(row, Outcome(row))


def fastest_peer(outcome: Outcome) -> str | None:
    others = {peer: line["ms"] for peer, line in outcome.best.items() if peer != OURS}
    return min(others, key=others.get) if others else None


def ratio(outcome: Outcome) -> float:
    """How many times as fast as the fastest peer we are."""
    peer = fastest_peer(outcome)
    return outcome.best[peer]["ms"] / outcome.best[OURS]["ms"] if peer and OURS in outcome.best else float("nan")


def print_table(outcomes: list[Outcome]) -> None:
    peers = [OURS] + sorted({peer for outcome in outcomes for peer in outcome.best | outcome.errors} - {OURS})
    print("Milliseconds (threads), minimum over the rounds kept; ratio: fastest peer / recurra.")
    print(f"{'row':28}" + "".join(f"{peer:>14}" for peer in peers) + f"{'ratio':>8}  kept dropped  peak1  peak2")
    for outcome in outcomes:
        cells = ""
        for peer in peers:
            line = outcome.best.get(peer)
            text = f"{line['ms']:.4g} ({line['threads']})" if line else "error" if peer in outcome.errors else "-"
            cells += f"{text:>14}"
        peaks = [max((one[name] for one in outcome.peaks), default=0) for name in ("peak1", "peak2")]
        print(f"{outcome.row:28}{cells}{ratio(outcome):8.2f}{outcome.kept:6}{outcome.dropped:8}"
              f"{peaks[0]:7.0f}{peaks[1]:7.0f}")
    for outcome in outcomes:
        for peer, error in outcome.errors.items():
            print(f"{outcome.row}: {peer} failed: {error}")


def write_lines(outcomes: list[Outcome], path: str, mode: str = "w") -> None:
    """One line for each time and each error; then, for each outcome, one of its rounds."""
    with open(path, mode, encoding="utf-8") as file:
        for outcome in outcomes:
            rounds = {"row": outcome.row, "kept": outcome.kept, "dropped": outcome.dropped}
            for line in outcome.at.values():
                print(json.dumps(line | rounds), file=file)
            for peer, error in outcome.errors.items():
                print(json.dumps({"peer": peer, "error": error} | rounds), file=file)
            print(json.dumps(rounds | {"peaks": outcome.peaks}), file=file)


def read_lines(path: str) -> dict[str, Outcome]:
    """The outcomes that write_lines wrote, by row; none where there is no file."""
    outcomes: dict[str, Outcome] = {}
    if not pathlib.Path(path).exists():
        return outcomes
    for text in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        outcome = outcomes.setdefault(line["row"], Outcome(line["row"]))
        outcome.kept, outcome.dropped = line["kept"], line["dropped"]
        if "peaks" in line:
            outcome.peaks = line["peaks"]
        else:
            outcome.add(line)
    return outcomes


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all comparisons share."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--program", default=str(ROOT / "build/release/bin/recurra"))
    found.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    found.add_argument("--threads", default="1,2", help="the numbers to try, default 1,2")
    found.add_argument("--keep", type=int, default=5, help="quiet rounds wanted, default 5")
    found.add_argument("--limit", type=int, default=30, help="rounds at most, default 30")
    found.add_argument("--handoff", type=float, default=math.inf, metavar="NS",
                       help="drop rounds in which a flag takes longer from one processor to the other; default: none")
    found.add_argument("--json", metavar="FILE", help="write the results there, too")
    return found


def report(outcomes: list[Outcome], arguments: argparse.Namespace) -> int:
    """Prints the table; the exit status says whether every row had its quiet rounds and a time of ours."""
    print_table(outcomes)
    if arguments.json:
        write_lines(outcomes, arguments.json)
    return int(any(outcome.kept < arguments.keep or OURS not in outcome.best for outcome in outcomes))
