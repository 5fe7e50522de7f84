#!/usr/bin/env python3
"""Runs the program as a user would: cli_test.py PROGRAM SOURCE_FOLDER."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1:3]
MNIST = os.path.join(SOURCE, "data", "mnist")


def run(*arguments, **environment):
    env = {**os.environ, **environment}
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=env, cwd=SOURCE, check=False)
    return done.returncode, done.stdout, done.stderr


class Program(unittest.TestCase):
    def test_help_names_every_command_and_option(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for command in ("train", "predict", "info", "bench"):
            self.assertIn(command, out)
            self.assertEqual(run(command, "--help")[0], 0)
        out = run("train", "--help")[1]
        for option in ("--data", "--model", "--optimizer", "--learning-rate", "--batch-size", "--epochs", "--seed",
                       "--threads", "--save"):
            self.assertIn(option, out)

    def test_wrong_usage_is_status_2(self):
        for arguments in ((), ("train", "--epoch"), ("train", "--epochs", "two"), ("train", "--batch-size", "0"),
                          ("predict",), ("train", "--threads", "-1"), ("train", "--threads", "65"), ("bench",), ("fly",)):
            code, out, err = run(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertTrue(err, arguments)

    def test_errors_are_status_1_and_one_line(self):
        cases = {
            ("train", "--model", "lstn:4"):
                'recurra: layer "lstn": supported are lstm, gru, simple_rnn, dense, batch_norm, embedding, masking, '
                'dropout, activation, flatten\n',
            ("train", "--optimizer", "lion"): 'recurra: optimizer "lion": supported are sgd, rmsprop, adam, adamw\n',
            ("train", "--data", "cifar"): 'recurra: data "cifar": supported are mnist\n',
        }
        for arguments, text in cases.items():
            self.assertEqual(run(*arguments), (1, "", text), arguments)

    def test_unwritable_output_is_said_before_training(self):
        code, out, err = run("train", "--save", "/nowhere/model.safetensors")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("/nowhere", err)

    def test_faults_on_demand_are_read_from_the_environment(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            code, out, err = run("train", "--save", path, RECURRA_FAULT="kill:write")
            self.assertEqual((code, out, err), (1, "", "recurra: RECURRA_FAULT: expected kill:write:N, short:write:N or "
                                                       "fail:CALL:N[:ERRNO], got kill:write\n"))
            self.assertEqual(run("train", "--save", path, RECURRA_FAULT="kill:write:1"), (-9, "", ""))
            code, out, err = run("train", "--save", path, RECURRA_FAULT="fail:open:1")
            self.assertEqual((code, out, err), (1, "", f"recurra: {folder}: expected a folder in which a file can be "
                                                       "created, got Input/output error\n"))

    def test_target_is_forced_and_an_unknown_one_refused(self):
        self.assertRegex(run("info", RECURRA_TARGET="scalar")[1], r"(?m)^target      scalar ")
        code, out, err = run("info", RECURRA_TARGET="sse9")
        self.assertEqual(code, 1)
        self.assertIn('target "sse9": supported are scalar', err)

    def test_threads_come_from_the_option_or_the_environment(self):
        self.assertRegex(run("info", RECURRA_THREADS="3")[1], r"(?m)^threads     3 ")
        text = 'RECURRA_THREADS: expected a number from 1 to 64, got "many"'
        self.assertEqual(run("info", RECURRA_THREADS="many")[::2], (1, f"recurra: {text}\n"))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as rows:
            json.dump([{"name": "tiny", "mode": "infer", "cell": "lstm", "layers": 1, "bidirectional": False,
                        "input": 3, "hidden": 5, "batch": 2, "steps": 4, "dtype": "f32"}], rows)
            rows.flush()
            bench = ("bench", "--rows", rows.name, "--json", "--seconds", "0.01")
            self.assertEqual(json.loads(run(*bench, RECURRA_THREADS="many")[1])["error"], text)
            for threads in ("0", "2"):
                code, out, _ = run(*bench, "--threads", threads, RECURRA_THREADS="many")
                self.assertEqual(code, 0)
                self.assertNotIn("error", json.loads(out), threads)

    def test_a_model_is_trained_saved_and_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            code, out, err = run("train", "--model", "lstm:8,dense:10", "--epochs", "1", "--batch-size", "500",
                                 "--save", path)
            self.assertEqual((code, err), (0, f"Saved {path}\n"))
            self.assertRegex(out, r"Epoch 1/1\n120/120 - \d+s - \d+[mu]?s/step - accuracy: 0\.\d{4} - loss: \d\.\d{4} - "
                                  r"val_accuracy: 0\.\d{4} - val_loss: \d\.\d{4}\n$")
            code, out, err = run("predict", "--model", path, "--index", "1")
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"Test digit 1: predicted \d, labelled 2\n$")
            self.assertEqual(len(out.splitlines()), 15)
            code, out, err = run("predict", "--model", path, "--index", "10000")
            self.assertEqual((code, err), (1, "recurra: index: expected 0 to 9999, got 10000\n"))
            code, out, err = run("predict", "--model", os.path.join(MNIST, "SOURCE.md"))
            self.assertEqual(code, 1)

    def test_bench_prints_json_lines(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as rows:
            row = {"name": "tiny", "mode": "train", "cell": "lstm", "layers": 1, "bidirectional": False, "input": 3,
                   "hidden": 5, "batch": 2, "steps": 4, "dtype": "f32"}
            json.dump([row, {**row, "name": "other", "dtype": "int8"}], rows)
            rows.flush()
            code, out, _ = run("bench", "--rows", rows.name, "--json", "--seconds", "0.01")
            self.assertEqual(code, 0)
            tiny, other = map(json.loads, out.splitlines())
            self.assertEqual((tiny["row"], tiny["peer"]), ("tiny", "recurra"))
            self.assertGreater(tiny["ms"], 0)
            self.assertTrue(re.search("int8", other["error"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
