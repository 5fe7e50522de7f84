#!/usr/bin/env python3
"""Training as a user does it, stopped and resumed: train_test.py PROGRAM SOURCE_FOLDER."""
import json
import os
import re
import signal
import subprocess

from support import PROGRAM, ProgramTest, main

SEQUENCES = ("--data", "sequences.csv", "--sequence", "id", "--target", "kind", "--model", "lstm:8,dense:outputs",
             "--batch-size", "8", "--optimizer", "adam")
MANY = "1000000"


class Training(ProgramTest):
    def setUp(self):
        super().setUp()
        self.sequences()

    def bytes_of(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def start(self, *arguments, **options):
        return subprocess.Popen([PROGRAM, "train", *SEQUENCES, *arguments], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def wait_for_epochs(self, process, count=2):
        for line in process.stdout:
            count -= line.startswith("Epoch ")
            if count == 0:
                return

    def weights(self, name):
        """The tensors of a file, not what its header says of how it came about."""
        content = self.bytes_of(name)
        return content[8 + int.from_bytes(content[:8], "little"):]

    def test_the_digits_are_trained_and_one_is_drawn(self):
        code, out, err = self.recurra("train", "--data-dir", self.mnist(), "--model", "lstm:8,dense:10", "--batch-size", "50",
                                      "--save", "model.safetensors")
        self.assertEqual((code, err), (0, "Saved model.safetensors\n"))
        self.assertRegex(out, r"Epoch 1/1\n4/4 - \d+s - \d+[mu]?s/step - accuracy: 0\.\d{4} - loss: \d\.\d{4} - "
                              r"val_accuracy: 0\.\d{4} - val_loss: \d\.\d{4}\n$")
        out = self.succeed("predict", "--model", "model.safetensors", "--data-dir", self.mnist(), "--index", "1")
        self.assertRegex(out, r"Test digit 1: predicted \d, labelled 1\n$")
        self.assertEqual(len(out.splitlines()), 15)
        self.fail_with("index: expected 0 to 19, got 20", "predict", "--model", "model.safetensors", "--data-dir",
                       self.mnist(), "--index", "20")

    def mnist(self):
        """A folder of 200 and 20 digits: pictures of noise, but of the right size."""
        folder = self.path("digits")
        if os.path.exists(folder):
            return folder
        os.mkdir(folder)
        for part, count in (("train", 200), ("t10k", 20)):
            size = count.to_bytes(4, "big")
            pixels = bytes((i * i // 7) % 256 for i in range(784)) * count
            with open(f"{folder}/{part}-images-idx3-ubyte", "wb") as file:
                file.write(b"\0\0\x08\x03" + size + (28).to_bytes(4, "big") * 2 + pixels)
            with open(f"{folder}/{part}-labels-idx1-ubyte", "wb") as file:
                file.write(b"\0\0\x08\x01" + size + bytes(i % 10 for i in range(count)))
        return folder

    def test_two_epochs_or_more_end_with_a_curve(self):
        out = self.succeed("train", *SEQUENCES, "--epochs", "5", "--validation", "0.2")
        self.assertRegex(out, r"\n\n *\d\.\d+ \|[ *o#]+\n( +\|[ *o#]*\n){8} *0?\.?\d+(\.\d+)? \|[ *o#]+\n +\+-{25}\n +1 {23}5\n"
                              r" +epochs   \* loss   o val_loss\n$")
        self.assertNotIn("epochs", self.succeed("train", *SEQUENCES, "--epochs", "1"))
        self.assertEqual(self.succeed("train", *SEQUENCES, "--epochs", "3", "--quiet"), "")

    def test_what_does_not_fit_is_said_before_training(self):
        data = ("--data", "sequences.csv", "--sequence", "id", "--target", "kind")
        cases = {
            ("--save", "/nowhere/m.safetensors"): "/nowhere: expected a folder that exists, got No such file or directory",
            ("--save", "sequences.csv"): "--save: expected a file that is not read, got sequences.csv",
            ("--save", "./sequences.csv"): "--save: expected a file that is not read, got ./sequences.csv",
            ("--save", self.folder): f"{self.folder}: expected the name of a file, got a folder",
            ("--checkpoint", "/nowhere/m"): "/nowhere: expected a folder that exists, got No such file or directory",
            ("--model", "lstm:4,dense:2"): "model: expected 3 outputs, one for each class, got 2",
            ("--class-weight", "cow=2"): '--class-weight: expected one of "cat", "dog", "fox, red", got "cow"',
            ("--class-weight", "cat=x"): '--class-weight: expected CLASS=WEIGHT, from 0 up, got "cat=x"',
            ("--class-weight", "cat=1,cat=2"): '--class-weight: expected each class once, got "cat" again',
            ("--model", "none.json"): "none.json: expected a file that can be read, got No such file or directory",
            ("--resume", "runs"): "runs-*.safetensors: expected a checkpoint, got none",
            ("--validation", "none.csv"): "none.csv: expected a file that can be read, got No such file or directory",
        }
        for arguments, text in cases.items():
            code, out, err = self.recurra("train", *data, *arguments)
            self.assertEqual((code, out), (1, ""), arguments)
            self.assertEqual(err, f"recurra: {text}\n")
        self.assertEqual(os.listdir(self.folder), ["sequences.csv"])

    def test_models_are_read_from_json(self):
        self.write("model.json", '{"class_name": "Sequential", "config": {"name": "from_keras", "layers": ['
                                 '{"class_name": "GRU", "config": {"units": 4}}, '
                                 '{"class_name": "Dense", "config": {"units": 3, "activation": "softmax"}}]}}')
        self.fail_with("--save: expected a file that is not read, got model.json",
                       "train", *SEQUENCES[:6], "--model", "model.json", "--save", "model.json")
        out = self.succeed("train", *SEQUENCES[:6], "--model", "model.json", "--save", "m.safetensors")
        self.assertIn('Model: "from_keras"', out)
        # Probabilities, not logits, go into the loss.
        self.assertIn("from_logits false", self.succeed("inspect", "m.safetensors"))
        # The GRU of Keras 2 resets before the product: 3 * (2 + 4 + 1) * 4 parameters, no second bias.
        self.write("old.json", '{"class_name": "Sequential", "keras_version": "2.15.0", "config": {"name": "old", "layers": ['
                               '{"class_name": "GRU", "config": {"units": 4}}, '
                               '{"class_name": "Dense", "config": {"units": 3}}]}}')
        self.assertRegex(self.succeed("train", *SEQUENCES[:6], "--model", "old.json"), r"gru \(GRU\) .* 84 ")
        self.write("bad.json", "[")
        self.fail_with("bad.json: expected a JSON object, got something else", "train", *SEQUENCES[:6], "--model", "bad.json")
        self.write("deep.json", "[" * 100_000 + "]" * 100_000)
        self.fail_with("deep.json: expected JSON of at most 64 levels of lists and objects, got more",
                       "train", *SEQUENCES[:6], "--model", "deep.json")

    def test_the_same_seed_gives_the_same_file(self):
        for name in ("a", "b"):
            self.succeed("train", *SEQUENCES, "--epochs", "2", "--seed", "7", "--quiet", "--save", name)
        self.succeed("train", *SEQUENCES, "--epochs", "2", "--seed", "8", "--quiet", "--save", "c")
        self.assertEqual(self.bytes_of("a"), self.bytes_of("b"))
        self.assertNotEqual(self.weights("a"), self.weights("c"))

    def test_a_signal_ends_after_the_step_and_resuming_gives_the_same_bits(self):
        for asked, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            prefix = f"run{status}"
            process = self.start("--epochs", MANY, "--checkpoint", prefix, "--checkpoint-epochs", "0", "--save", "stopped")
            self.wait_for_epochs(process)
            process.send_signal(asked)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, status)
            self.assertRegex(err, r"^\nStopping after this step; once more ends at once\nSaved stopped\n"
                                  rf"Stopped after \d+ updates\nTo go on: the same command with --resume {prefix}\n$")
            updates = int(re.search(r"after (\d+) updates", err)[1])
            epochs = str(updates // 4 + 2)
            for source in (prefix, "stopped"):
                self.succeed("train", *SEQUENCES, "--epochs", epochs, "--quiet", "--resume", source, "--save", "resumed")
                self.succeed("train", *SEQUENCES, "--epochs", epochs, "--quiet", "--save", "whole")
                self.assertEqual(self.weights("resumed"), self.weights("whole"), (source, updates))

    def test_a_second_signal_ends_at_once(self):
        process = self.start("--epochs", MANY, "--save", "model")
        self.wait_for_epochs(process)
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        self.assertIn(process.returncode, (130, 143))
        self.assertEqual(os.listdir(self.folder), ["sequences.csv"])

    def test_an_output_nobody_reads_ends_training_quietly_and_saves(self):
        process = self.start("--epochs", MANY, "--save", "model.safetensors")
        self.wait_for_epochs(process)
        process.stdout.close()
        self.assertEqual(process.stderr.read(), "")
        process.stderr.close()
        self.assertEqual(process.wait(timeout=60), 141)
        self.succeed("inspect", "model.safetensors")

    def test_a_closed_output_takes_nothing_away_from_the_model(self):
        done = subprocess.run([PROGRAM, "train", *SEQUENCES, "--epochs", "2", "--save", "a"], cwd=self.folder, check=False,
                              stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
        self.assertEqual((done.returncode, done.stderr), (1, b"Saved a\n"))
        self.succeed("train", *SEQUENCES, "--epochs", "2", "--save", "b")
        self.assertEqual(self.bytes_of("a"), self.bytes_of("b"))

    def test_resuming_lists_all_that_differs(self):
        self.succeed("train", *SEQUENCES, "--epochs", "1", "--quiet", "--checkpoint", "run")
        self.fail_with("resumed fit: expected batch_size 8, optimizer.learning_rate 0.001, got batch_size 4, "
                       "optimizer.learning_rate 0.01", "train", *SEQUENCES[:8], "--batch-size", "4", "--optimizer", "adam",
                       "--learning-rate", "0.01", "--epochs", "2", "--quiet", "--resume", "run")
        code, out, err = self.recurra("train", *SEQUENCES[:6], "--model", "lstm:9,dense:3", "--resume", "run")
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(err, r'^recurra: --model lstm:9,dense:3: expected the layers of run: LSTM .*"units":8.*, got LSTM '
                              r'.*"units":9')

    def test_checkpoints_of_another_training_are_not_written_over(self):
        self.succeed("train", *SEQUENCES, "--epochs", "3", "--quiet", "--checkpoint", "run", "--keep", "2")
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["run-00000008.safetensors", "run-00000012.safetensors", "sequences.csv"])
        self.fail_with("--checkpoint run: expected a prefix without checkpoints, or --resume run to go on from them, got "
                       "run-00000012.safetensors", "train", *SEQUENCES, "--checkpoint", "run")
        with open(self.path("run-00000012.safetensors"), "r+b") as file:
            file.truncate(500)
        code, _, err = self.recurra("train", *SEQUENCES, "--epochs", "3", "--quiet", "--resume", "run", "--checkpoint", "run",
                                    "--save", "resumed")
        self.assertEqual(code, 0, err)
        self.assertRegex(err, r"^Passed over a checkpoint: run-00000012\.safetensors: .*\nSaved resumed\n$")
        self.succeed("train", *SEQUENCES, "--epochs", "3", "--quiet", "--save", "whole")
        self.assertEqual(self.weights("resumed"), self.weights("whole"))

    def test_weights_of_classes_and_options_of_the_optimizer_count(self):
        files = {"plain": (), "weighted": ("--class-weight", "cat=5,dog=0.5"), "clipped": ("--clipnorm", "0.01"),
                 "decayed": ("--weight-decay", "0.1"), "in_order": ("--no-shuffle",)}
        for name, arguments in files.items():
            self.succeed("train", *SEQUENCES, "--epochs", "2", "--quiet", *arguments, "--save", name)
        self.assertEqual(len({self.weights(name) for name in files}), len(files))

    def test_options_of_gradient_descent_change_the_weights(self):
        momentum = ("--momentum", "0.9")
        files = {"plain": (), "momentum": momentum, "nesterov": (*momentum, "--nesterov"), "clipnorm": ("--clipnorm", "0.01"),
                 "global_clipnorm": ("--global-clipnorm", "0.01"), "clipvalue": ("--clipvalue", "0.001")}
        for name, arguments in files.items():
            self.succeed("train", *SEQUENCES[:-2], "--optimizer", "sgd", "--epochs", "2", "--quiet", *arguments, "--save", name)
        self.assertEqual(len({self.weights(name) for name in files}), len(files))

    def test_checkpoints_come_after_so_many_minutes(self):
        for minutes, files in (("0.000000001", 4), ("60", 0)):
            prefix = f"run{files}"
            self.succeed("train", *SEQUENCES, "--epochs", "1", "--quiet", "--checkpoint", prefix, "--checkpoint-epochs", "0",
                         "--checkpoint-minutes", minutes, "--keep", "9")
            self.assertEqual(sum(name.startswith(prefix) for name in os.listdir(self.folder)), files)

    def test_loss_and_metrics_are_those_asked_for(self):
        self.series()
        out = self.succeed("train", "--data", "series.csv", "--target", "temp", "--window", "5", "--model", "lstm:4,dense:outputs",
                           "--loss", "mean_absolute_error", "--metrics", "mean_squared_error", "--epochs", "1",
                           "--save", "m.safetensors")
        self.assertRegex(out, r" - loss: \d\.\d{4} - mean_squared_error: \d\.\d{4}\n$")
        compiled = json.loads(self.succeed("inspect", "--json", "m.safetensors"))["metadata"]["training"]["compile"]
        self.assertEqual(compiled["loss"]["class_name"], "MeanAbsoluteError")
        self.assertEqual(compiled["metrics"], ["mean_squared_error"])
        self.assertIn("\nloss        MeanAbsoluteError", self.succeed("inspect", "m.safetensors"))


if __name__ == "__main__":
    main()
