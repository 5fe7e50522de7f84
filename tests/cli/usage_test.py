#!/usr/bin/env python3
"""What the program says of itself and of wrong arguments: usage_test.py PROGRAM SOURCE_FOLDER."""
import json
import os
import subprocess
import tempfile

from support import PROGRAM, ProgramTest, main, run

HINT = "recurra --help says what there is\n"


class Usage(ProgramTest):
    def refuse(self, text, *arguments):
        """Checks wrong usage: status 2, one text and a hint."""
        self.assertEqual(run(*arguments), (2, "", f"recurra: {text}\n{HINT}"), arguments)

    def test_help_names_every_command_and_option(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        commands = ("train", "evaluate", "predict", "inspect", "convert", "info", "bench")
        for command in commands:
            self.assertIn(command, out)
            self.assertEqual(run(command, "--help")[0], 0)
        out = run("train", "--help")[1]
        for option in ("data", "data-dir", "labels", "x", "y", "sequence", "target", "features", "target-kind", "window",
                       "horizon", "text", "validation", "validation-labels", "model", "loss", "metrics", "optimizer",
                       "learning-rate", "momentum", "nesterov", "weight-decay", "clipnorm", "global-clipnorm", "clipvalue",
                       "class-weight", "epochs", "batch-size", "seed", "shuffle", "no-shuffle", "threads", "save",
                       "checkpoint", "checkpoint-minutes", "checkpoint-epochs", "keep", "resume", "quiet"):
            self.assertRegex(out, rf"--{option}\b")

    def test_an_unknown_name_is_refused_with_the_nearest_one(self):
        self.refuse("unknown option --epoch; did you mean --epochs?", "train", "--epoch", "3")
        self.refuse("unknown option --batchsize; did you mean --batch-size?", "train", "--batchsize=3")
        self.refuse("unknown option --zebra-crossing", "train", "--zebra-crossing")
        self.refuse("unknown option --versoin; did you mean --version?", "--versoin")
        self.refuse('unknown command "tarin"; did you mean train?', "tarin")
        self.refuse('unknown command "fly"', "fly")
        self.refuse('expected a command, one of "train", "evaluate", "predict", "inspect", "convert", "info", "bench"')

    def test_an_option_comes_once_and_with_a_value(self):
        self.refuse("--epochs: expected once, got twice", "train", "--epochs", "3", "--epochs", "3")
        self.refuse("--save: expected once, got twice", "train", "--save=a", "--save", "b")
        self.refuse("--no-shuffle: expected one of it and --shuffle, got both", "train", "--shuffle", "--no-shuffle")
        self.refuse("--epochs: expected a value, got nothing", "train", "--epochs")
        self.refuse("--save: expected a value, got the option --quiet", "train", "--save", "--quiet")
        self.refuse("--keep requires --checkpoint", "train", "--keep", "3")
        self.refuse("--model is required", "predict")
        self.refuse("The following argument was not expected: b", "inspect", "a", "b")

    def test_numbers_are_read_strictly(self):
        whole = "expected a whole number from"
        for text in ("12abc", "1e3", "0x10", "-3", "", " 3", "3 ", "+3", "2.0", "99999999999999999999", "nan"):
            self.refuse(f'--epochs: {whole} 0 up, got "{text}"', "train", "--epochs", text)
        self.refuse(f'--batch-size: {whole} 1 up, got "0"', "train", "--batch-size", "0")
        self.refuse(f'--threads: {whole} 0 to 64, got "65"', "train", "--threads", "65")
        self.refuse(f'--threads: {whole} 0 to 64, got "-1"', "train", "--threads", "-1")
        self.refuse(f'--seed: {whole} 0 up, got "-1"', "train", "--seed", "-1")
        for text in ("1e999", "nan", "inf", "0x1p3", "0.1f", "-1", "0", "1e-999", "0,1"):
            self.refuse(f'--learning-rate: expected a number above 0, got "{text}"', "train", "--learning-rate", text)
        self.refuse('--momentum: expected a number from 0 and below 1, got "1"', "train", "--momentum", "1")
        self.refuse('--validation: expected a number above 0 and below 1, got "1.5"', "train", "--validation", "1.5")
        self.refuse('--metrics: expected names with commas between, got "a,,b"', "train", "--metrics", "a,,b")

    def test_errors_are_status_1_and_one_line(self):
        self.fail_with('layer "lstn": supported are lstm, gru, simple_rnn, bilstm, bigru, rnn_stack, dense, batch_norm, embedding, '
                       'masking, dropout, activation, flatten, average_pooling, layer_norm, max_pooling', "train", "--model", "lstn:4")
        self.fail_with('optimizer "lion": supported are sgd, rmsprop, adam, adamw', "train", "--optimizer", "lion")
        self.fail_with('data "cifar": supported are mnist, FILE.csv with --sequence or --window, FILE.npy, FILE.npz with '
                       '--x, any file with --text', "train", "--data", "cifar")
        code, out, err = run("train", "--optimizer", "adam", "--momentum", "0.5")
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(err, r'^recurra: adam argument "momentum": supported are .*beta_1.*\n$')
        code, _, err = run("train", "--loss", "hinge")
        self.assertEqual(code, 1)
        self.assertRegex(err, r'^recurra: loss "hinge": supported are .*mean_squared_error.*\n$')
        code, _, err = run("train", "--metrics", "f7")
        self.assertEqual(code, 1)
        self.assertRegex(err, r'^recurra: metric "f7": supported are .*accuracy.*\n$')

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
        rows = self.write("rows.json", json.dumps([{
            "name": "tiny", "mode": "infer", "cell": "lstm", "layers": 1, "bidirectional": False, "input": 3, "hidden": 5,
            "batch": 2, "steps": 4, "dtype": "f32"}]))
        bench = ("bench", "--rows", rows, "--json", "--seconds", "0.01")
        self.assertEqual(json.loads(self.recurra(*bench, RECURRA_THREADS="many")[1])["error"], text)
        for threads in ("0", "2"):
            code, out, _ = self.recurra(*bench, "--threads", threads, RECURRA_THREADS="many")
            self.assertEqual(code, 0)
            self.assertNotIn("error", json.loads(out), threads)

    def test_a_closed_or_broken_output_is_a_quiet_failure(self):
        closed = subprocess.run([PROGRAM, "info"], stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1), check=False)
        self.assertEqual((closed.returncode, closed.stderr), (1, b""))
        reading, writing = os.pipe()
        os.close(reading)
        broken = subprocess.run([PROGRAM, "info"], stdout=writing, stderr=subprocess.PIPE, check=False)
        os.close(writing)
        self.assertNotEqual(broken.returncode, 0)
        self.assertEqual(broken.stderr, b"")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "info"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, b"recurra: standard output: not all could be written\n"))


if __name__ == "__main__":
    main()
