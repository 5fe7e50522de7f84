#!/usr/bin/env python3
"""How time goes with units, batch and steps, of an LSTM with as many inputs as units, in quiet rounds (see quiet.py).

usage: sweeps.py [--write docs/performance.md]

Prints tables and with --write puts them into a page, and beside it sweeps.svg, a chart of each. The run fails where a step
of one of 10,000 takes a tenth longer or shorter than one of 50, and where rows whose lengths are drawn from 1 to 50 save
less than 40 % of the time of rows of 50 steps.
"""
import dataclasses
import json
import pathlib
import sys
import tempfile

import chart
import page
import quiet

UNITS = [16, 32, 64, 128, 256, 512, 1024]
BATCHES = [1, 2, 4, 8, 16, 32, 64, 128]
STEPS = [50, 100, 200, 500, 1000, 2000, 5000, 10000]
MOST_SPREAD = 0.10
LEAST_SAVING = 0.40


@dataclasses.dataclass(frozen=True)
class Point:
    mode: str
    units: int = 256
    batch: int = 32
    steps: int = 50
    lengths: str | None = None

    @property
    def name(self) -> str:
        return f"{self.mode}-{self.units}-b{self.batch}-t{self.steps}" + (f"-{self.lengths}" if self.lengths else "")

    def row(self) -> dict:
        row = {"name": self.name, "mode": self.mode, "cell": "lstm", "layers": 1, "bidirectional": False,
               "input": self.units, "hidden": self.units, "batch": self.batch, "steps": self.steps, "dtype": "f32"}
        return row | ({"lengths": self.lengths} if self.lengths else {})


WITH_UNITS = {"inference, batch 1": [Point("infer", units=units, batch=1) for units in UNITS],
              "inference, batch 32": [Point("infer", units=units) for units in UNITS],
              "training, batch 32": [Point("train", units=units) for units in UNITS]}
WITH_BATCH = {"inference": [Point("infer", batch=batch) for batch in BATCHES],
              "training": [Point("train", batch=batch) for batch in BATCHES]}
WITH_STEPS = {f"inference, batch {batch}": [Point("infer", batch=batch, steps=steps) for steps in STEPS]
              for batch in (1, 16)}
FULL = [Point("infer"), Point("train")]
UNIFORM = [dataclasses.replace(point, lengths="uniform") for point in FULL]


def all_points() -> list[Point]:
    lines = [line for sweep in (WITH_UNITS, WITH_BATCH, WITH_STEPS) for line in sweep.values()]
    return list(dict.fromkeys(point for line in [*lines, FULL, UNIFORM] for point in line))


def measure(arguments, points: list[Point]) -> dict[str, quiet.Outcome]:
    """Each point's outcome; a round is all of them, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = []
        for threads in map(int, arguments.threads.split(",")):
            path = pathlib.Path(folder) / "rows.json"
            path.write_text(json.dumps([point.row() for point in points]), encoding="utf-8")
            contenders.append(quiet.Contender(quiet.OURS, threads, [
                arguments.program, "bench", "--rows", str(path), "--seconds", str(arguments.seconds), "--threads",
                str(threads), "--json"]))
        return quiet.measure_rows("sweeps", contenders, arguments)


def chart_of(title: str, x_name: str, values: list[int], lines: dict[str, list[Point]], times: dict[str, float],
             per_step: bool) -> chart.Chart:
    def height(point: Point) -> float:
        return 1e3 * times[point.name] / (point.steps if per_step else 1e3)

    points = {name: [(x, height(point)) for x, point in zip(values, row)] for name, row in lines.items()}
    return chart.Chart(title, x_name, "us a step" if per_step else "ms", points)


def table(head: str, values: list[int], lines: dict[str, list[Point]], times: dict[str, float], per_step: bool) -> str:
    rows = [[name] + [f"{1e3 * times[point.name] / point.steps:.3g}" if per_step else f"{times[point.name]:.3g}"
                      for point in points] for name, points in lines.items()]
    return page.section_of(rows, [head, *map(str, values)])


def spread(points: list[Point], times: dict[str, float]) -> float:
    """How much longer or shorter a step takes than one of the first point's, at most, as a share of that."""
    steps = [times[point.name] / point.steps for point in points]
    return max(abs(step / steps[0] - 1) for step in steps)


def savings(times: dict[str, float]) -> dict[str, float]:
    return {full.mode: 1 - times[own.name] / times[full.name] for full, own in zip(FULL, UNIFORM)}


def section(arguments, outcomes: dict[str, quiet.Outcome], times: dict[str, float]) -> str:
    some = next(iter(outcomes.values()))
    saved = savings(times)
    return "\n".join([
        "An LSTM with as many inputs as units; 256 units, batch 32 and 50 steps where nothing else is said. Milliseconds,",
        f"the better of one and two threads, minima over {some.kept} quiet rounds, {some.dropped} dropped.\n",
        "![time over units, batch and steps](sweeps.svg)\n",
        table("units", UNITS, WITH_UNITS, times, False), table("batch", BATCHES, WITH_BATCH, times, False),
        "Microseconds a step:\n", table("steps", STEPS, WITH_STEPS, times, True),
        "Rows with lengths drawn evenly from 1 to 50 save, against rows of 50 steps, " +
        ", ".join(f"{100 * share:.0f} % in mode {mode}" for mode, share in saved.items()) + ".\n",
        "    benchmarks/sweeps.py --write docs/performance.md\n"])


def faults_of(outcomes: dict[str, quiet.Outcome], times: dict[str, float], points: list[Point], keep: int) -> list[str]:
    faults = [f"{name}: {error}" for name, outcome in outcomes.items() for error in outcome.errors.values()]
    faults += [f"{point.name}: no time" for point in points if point.name not in times]
    if faults:
        return faults
    if any(outcome.kept < keep for outcome in outcomes.values()):
        faults.append(f"fewer than {keep} quiet rounds")
    for name, line in WITH_STEPS.items():
        if spread(line, times) > MOST_SPREAD:
            faults.append(f"{name}: a step differs by {100 * spread(line, times):.1f} % between numbers of steps")
    for mode, share in savings(times).items():
        if share < LEAST_SAVING:
            faults.append(f"{mode}: lengths from 1 to 50 save {100 * share:.0f} %")
    return faults


def main() -> int:
    parser = quiet.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each point and number of threads, default 0.2")
    parser.add_argument("--write", metavar="PAGE", help="put the tables into this page and sweeps.svg beside it")
    arguments = parser.parse_args()
    points = all_points()
    outcomes = measure(arguments, points)
    times = {name: outcome.best[quiet.OURS]["ms"] for name, outcome in outcomes.items() if outcome.best}
    if arguments.json:
        quiet.write_lines(list(outcomes.values()), arguments.json)
    faults = faults_of(outcomes, times, points, arguments.keep)
    if all(point.name in times for point in points):
        text = section(arguments, outcomes, times)
        print(text)
        if arguments.write:
            page.write(arguments.write, "sweeps.py", text)
            chart.write(str(pathlib.Path(arguments.write).with_name("sweeps.svg")), [
                chart_of("over units, 50 steps", "units", UNITS, WITH_UNITS, times, False),
                chart_of("over batch, 256 units, 50 steps", "batch", BATCHES, WITH_BATCH, times, False),
                chart_of("of a step over steps, 256 units", "steps", STEPS, WITH_STEPS, times, True)])
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
