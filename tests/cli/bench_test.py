#!/usr/bin/env python3
"""What the program's benchmark prints: bench_test.py PROGRAM SOURCE_FOLDER. No test asks for a speed."""
import itertools
import json
import re
import subprocess

from support import ProgramTest, main, run

GATES = {"lstm": 4, "gru": 3, "lbr_gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
FIELDS = ["row", "peer", "ms", "gflops", "pack_ms", "threads", "target", "peak_gflops", "read_gb_s", "of_peak",
          "floor_ms", "of_floor"]
TINY = {"name": "tiny", "mode": "infer", "cell": "lstm", "layers": 1, "bidirectional": False, "input": 3, "hidden": 5,
        "batch": 2, "steps": 4, "dtype": "f32"}


def layers_of(row):
    """Multiply-adds of the input's and of the recurrent product, of each layer and direction, a step and row."""
    directions = 2 if row["bidirectional"] else 1
    width, found = row["input"], []
    for _ in range(row["layers"]):
        columns = GATES[row["cell"]] * row["hidden"]
        found += directions * [(columns * width, columns * row["hidden"])]
        width = directions * row["hidden"]
    return found


def flops_of(row):
    passes = 3 if row["mode"] == "train" else 1
    return 2 * passes * row["steps"] * row["batch"] * sum(map(sum, layers_of(row)))


def floor_of(row, line):
    """Seconds, from the machine's speed as the line has it."""
    first = subprocess.run(["getconf", "LEVEL1_DCACHE_SIZE"], capture_output=True, text=True, check=False).stdout
    caches = [int(first) if first.strip().isdigit() and int(first) > 0 else 32 << 10,
              1024 * int(re.search(r"L2 cache +(\d+) KiB", run("info")[1])[1])]

    def reading(size):
        behind = [size] + [size - line["threads"] * cache for cache in caches]
        return max(part / rate / 1e9 for part, rate in zip(behind, line["read_gb_s"]))

    peak = 1e9 * line["peak_gflops"]
    passes = 2 if row["mode"] == "train" else 1
    # The first step of a sequence has no recurrent product, a stream's has.
    recurrent_steps = row["steps"] - (row["mode"] != "step")
    products = layers_of(row)
    recurrent = 2 * row["batch"] * recurrent_steps * sum(one for _, one in products)
    flops = flops_of(row) - (3 if passes == 2 else 1) * 2 * row["batch"] * (row["steps"] - recurrent_steps) * sum(
        one for _, one in products)
    if row["steps"] == 1:
        needed = sum(one for one, _ in products) + (sum(one for _, one in products) if recurrent_steps else 0)
        return max(flops / peak, passes * reading(4 * needed))
    once = passes * recurrent_steps * sum(reading(4 * one) for _, one in products)
    if row["batch"] > 1:
        return max(flops / peak, once)
    return max(passes * recurrent / peak, once) + (flops - passes * recurrent) / peak


class Bench(ProgramTest):
    def lines(self, rows, *options):
        path = self.write("rows.json", json.dumps(rows))
        out = self.succeed("bench", "--rows", path, "--json", "--seconds", "0.001", *options)
        return [json.loads(line) for line in out.splitlines()]

    def error_of(self, **changes):
        row = {key: value for key, value in {**TINY, **changes}.items() if value is not ...}
        line, = self.lines([row])
        self.assertEqual(set(line), {"row", "peer", "error"})
        return line["error"]

    def check(self, row, line, threads):
        self.assertEqual(list(sorted(line)), sorted(FIELDS), line)
        self.assertEqual((line["row"], line["peer"], line["threads"]), (row["name"], "recurra", threads))
        for field in ("ms", "pack_ms", "peak_gflops", "floor_ms"):
            self.assertGreater(line[field], 0, field)
        rate = flops_of(row) / line["ms"] / 1e6
        self.assertAlmostEqual(line["gflops"], rate, delta=6e-4 + 1e-6 * rate)
        self.assertAlmostEqual(line["of_peak"], rate / line["peak_gflops"], delta=0.01 * line["of_peak"] + 1e-4)
        self.assertAlmostEqual(line["floor_ms"], 1e3 * floor_of(row, line), delta=0.01 * line["floor_ms"])
        self.assertAlmostEqual(line["of_floor"], line["floor_ms"] / line["ms"], delta=1e-4)

    def test_every_cell_mode_and_stack_has_all_figures(self):
        rows = []
        for cell, mode, layers, both in itertools.product(GATES, ("infer", "train", "step"), (1, 2), (False, True)):
            if mode == "step" and both:
                continue
            batch = 1 + 2 * (len(rows) // 2 % 2)
            name = f"{cell}-{mode}-{layers}-{both}-{batch}"
            rows.append({**TINY, "name": name, "cell": cell, "mode": mode, "layers": layers, "bidirectional": both,
                         "batch": batch, "steps": 1 if mode == "step" else 7})
        for threads in (1, 2):
            lines = self.lines(rows[threads - 1::2], "--threads", str(threads))
            self.assertEqual(len(lines), len(rows) // 2)
            for row, line in zip(rows[threads - 1::2], lines):
                with self.subTest(row=row["name"], threads=threads):
                    self.check(row, line, threads)

    def test_floors_know_of_the_caches(self):
        """Recurrent weights of 64 KiB, 1 MiB and 4 MiB."""
        rows = [{**TINY, "name": f"{units}-{batch}-{mode}", "input": 8, "hidden": units, "batch": batch, "steps": steps,
                 "mode": mode}
                for units in (64, 256, 512)
                for mode, batch, steps in (("infer", 1, 3), ("step", 1, 1), ("train", 2, 2), ("train", 3, 1))]
        for row, line in zip(rows, self.lines(rows, "--threads", "2")):
            with self.subTest(row=row["name"]):
                self.check(row, line, 2)

    def test_rows_of_own_lengths_have_the_flops_of_the_steps_that_count(self):
        full = {**TINY, "batch": 400, "steps": 50}
        for mode in ("infer", "train"):
            line, = self.lines([{**full, "mode": mode, "lengths": "uniform"}])
            steps = line["gflops"] * line["ms"] * 1e6 / flops_of({**full, "mode": mode, "steps": 1, "batch": 1})
            # The mean of 1 to 50, within four standard deviations of the mean of 400.
            self.assertAlmostEqual(steps / 400, 25.5, delta=4 * 14.4 / 20, msg=mode)

    def test_the_target_that_ran_is_named(self):
        path = self.write("rows.json", json.dumps([TINY]))
        code, out, _ = self.recurra("bench", "--rows", path, "--json", "--seconds", "0.001", RECURRA_TARGET="scalar")
        self.assertEqual((code, json.loads(out)["target"]), (0, "scalar"))

    def test_only_chooses_rows_by_a_regular_expression(self):
        rows = [{**TINY, "name": name} for name in ("infer-a", "infer-b", "train-a")]
        self.assertEqual([line["row"] for line in self.lines(rows, "--only", "^infer-(a|c)$|^train")], ["infer-a", "train-a"])
        self.write("rows.json", json.dumps(rows))
        self.fail_with("only: expected a regular expression, got (", "bench", "--rows", "rows.json", "--only", "(")

    def test_a_row_that_cannot_be_run_says_why(self):
        for dtype in ("bf16", "int8"):
            self.assertEqual(self.error_of(dtype=dtype), f'dtype "{dtype}": supported are f32')
        self.assertEqual(self.error_of(mode="fly"), 'mode "fly": supported are infer, train, step')
        self.assertEqual(self.error_of(cell="sru"), 'cell "sru": supported are lstm, gru, lbr_gru, rnn_tanh, rnn_relu')
        self.assertEqual(self.error_of(mode="step"), 'steps "4": supported are 1 in mode step')
        self.assertEqual(self.error_of(mode="step", steps=1, bidirectional=True),
                         'bidirectional "true": supported are false in mode step')
        for field in ("layers", "input", "hidden", "batch", "steps"):
            for value, shown in ((0, "0"), (-1, "-1"), (1.5, "1.5"), ("2", '"2"'), (..., "null")):
                self.assertEqual(self.error_of(**{field: value}), f"{field}: expected a whole number from 1 up, got {shown}")
        for field in ("mode", "cell", "dtype"):
            self.assertEqual(self.error_of(**{field: ...}), f"{field}: expected a word, got null")
        self.assertEqual(self.error_of(bidirectional=1), "bidirectional: expected true or false, got 1")
        self.assertEqual(self.error_of(lengths="normal"), 'lengths "normal": supported are uniform')
        self.assertEqual(self.error_of(lengths=[1, 2]), "lengths: expected a word, got [1,2]")
        self.assertEqual(self.error_of(lengths="uniform", mode="step", steps=1),
                         'lengths "uniform": supported are none in mode step')
        self.assertRegex(self.error_of(projection=3), "^projection: expected one of the fields .*, got an unknown field$")
        self.assertRegex(self.error_of(hidden=1 << 40), "^units: expected ")
        # It stands in place of its row; the others are run.
        other, tiny = self.lines([{**TINY, "name": "other", "dtype": "bf16"}, TINY])
        self.assertIn("error", other)
        self.check(TINY, tiny, tiny["threads"])

    def test_a_file_that_is_no_list_of_rows_is_refused(self):
        self.write("rows.json", '{"name": "tiny"}')
        self.fail_with("rows.json: expected a JSON list of rows, got something else", "bench", "--rows", "rows.json")
        self.write("rows.json", "[3]")
        self.fail_with("rows.json: expected rows that are JSON objects, got 3", "bench", "--rows", "rows.json", "--json")
        code, out, err = self.recurra("bench", "--rows", "none.json")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("none.json", err)

    def test_the_table_has_a_line_for_each_row(self):
        path = self.write("rows.json", json.dumps([TINY, {**TINY, "name": "other", "dtype": "int8"}]))
        head, tiny, other = self.succeed("bench", "--rows", path, "--seconds", "0.001").splitlines()
        for column in ("row", "ms", "GF/s", "of peak", "floor ms", "of floor", "packing ms"):
            self.assertIn(column, head)
        number = r"\d+(\.\d+)?"
        self.assertRegex(tiny, rf"^tiny +{number} +{number} +\d+ % +{number} +\d+ % +{number}$")
        self.assertRegex(other, r'^other +dtype "int8": supported are f32$')

    def test_options_go_with_what_is_timed(self):
        hint = "recurra --help says what there is\n"
        for text, *arguments in (("One of --rows and --epoch is required",),
                                 ("One of --rows and --epoch is required", "--rows", "a", "--epoch", "mnist"),
                                 ("--only requires --rows", "--epoch", "mnist", "--only", "a"),
                                 ("--seconds requires --rows", "--epoch", "mnist", "--seconds", "1"),
                                 ("--epochs requires --epoch", "--rows", "a", "--epochs", "1"),
                                 ("--data-dir requires --epoch", "--rows", "a", "--data-dir", "b")):
            self.assertEqual(run("bench", *arguments), (2, "", f"recurra: {text}\n{hint}"), arguments)

    def test_help_tells_all_options_and_fields(self):
        out = self.succeed("bench", "--help")
        for option in ("rows", "only", "seconds", "epoch", "epochs", "data-dir", "threads", "json"):
            self.assertRegex(out, rf"--{option}\b")
        for word in [*TINY, "lengths", "uniform", *FIELDS[2:], *GATES, "infer", "train", "step"]:
            self.assertRegex(out, rf"\b{word}\b")


if __name__ == "__main__":
    main()
