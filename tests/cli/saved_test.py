#!/usr/bin/env python3
"""What is done with saved models: saved_test.py PROGRAM SOURCE_FOLDER."""
import json
import os
import struct

from support import ProgramTest, main

SEQUENCES = ("--data", "sequences.csv", "--sequence", "id", "--target", "kind")


class Saved(ProgramTest):
    def setUp(self):
        super().setUp()
        self.sequences()
        out = self.succeed("train", *SEQUENCES, "--model", "lstm:4,dense:outputs", "--optimizer", "adam", "--epochs", "3",
                           "--batch-size", "8", "--validation", "sequences.csv", "--save", "model.safetensors")
        self.last = out[out.index("Epoch 3/3"):].splitlines()[1]

    def foreign(self, name="foreign.safetensors"):
        """A file as other programs write it, with a NaN in it."""
        header = json.dumps({"__metadata__": {"made by": "hand"},
                             "w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                             "n": {"dtype": "I64", "shape": [1], "data_offsets": [16, 24]}}).encode()
        return self.write(name, struct.pack("<Q", len(header)) + header
                          + struct.pack("<4fq", 1, -3, 2.5, float("nan"), 7))

    def test_evaluation_gives_what_validation_gave(self):
        logs = json.loads(self.succeed("evaluate", "--model", "model.safetensors", "--data", "sequences.csv", "--json"))
        self.assertEqual(sorted(logs), ["accuracy", "loss"])
        self.assertIn(f"val_accuracy: {logs['accuracy']:.4f} - val_loss: {logs['loss']:.4f}", self.last)
        out = self.succeed("evaluate", "--model", "model.safetensors", "--data", "sequences.csv")
        self.assertRegex(out, r"^accuracy 0\.\d+\nloss \d\.\d+\n$")
        self.assertAlmostEqual(float(out.split()[3]), logs["loss"], places=12)
        out = self.succeed("evaluate", "--model", "model.safetensors", "--data", "sequences.csv", "--metrics",
                           "sparse_top_k_categorical_accuracy")
        self.assertIn("sparse_top_k_categorical_accuracy 1\n", out)

    def test_stacks_become_layers_and_layers_stacks(self):
        train = ("train", *SEQUENCES, "--epochs", "1", "--model", "rnn_stack:bigru:4x2,dense:outputs", "--save", "stack.st")
        self.succeed(*train)

        def predict(model):
            return self.succeed("predict", "--model", model, "--data", "sequences.csv")

        def convert(file, to, output):
            return self.succeed("convert", file, "--to", to, "--output", output)

        self.assertEqual(convert("stack.st", "layers", "layers.st"),
                         "optimized_rnn_stack -> optimized_rnn_stack_0, optimized_rnn_stack_1\n")
        self.assertEqual(convert("layers.st", "stack", "again.st"),
                         "optimized_rnn_stack_0, optimized_rnn_stack_1 -> rnn_stack\n")
        self.assertEqual(predict("layers.st"), predict("stack.st"))
        self.assertEqual(predict("again.st"), predict("stack.st"))
        self.assertIn("(Bidirectional)", self.succeed("inspect", "layers.st"))
        self.assertIn("rnn_stack (OptimizedRNNStack)", self.succeed("inspect", "again.st"))
        evaluate = ("evaluate", "--data", "sequences.csv", "--json", "--model")
        self.assertEqual(self.succeed(*evaluate, "layers.st"), self.succeed(*evaluate, "stack.st"))

    def test_conversions_that_cannot_be_are_refused(self):
        convert = ("convert", "model.safetensors", "--output")
        self.fail_with('--to "onnx": supported are layers, stack', *convert, "out.st", "--to", "onnx")
        self.fail_with("sequential: expected a model with an OptimizedRNNStack, got LSTM, Dense",
                       *convert, "out.st", "--to", "layers")
        self.fail_with("--output: expected a file that is not read, got model.safetensors",
                       *convert, "model.safetensors", "--to", "stack")
        code, out, err = self.recurra("convert", self.foreign(), "--to", "layers", "--output", "out.st")
        self.assertEqual((code, out), (1, ""))
        self.assertIn('expected a model of recurra (metadata "format": "recurra")', err)
        for arguments in (("convert", "--to", "stack", "--output", "o"), ("convert", "model.safetensors", "--to", "stack"),
                          ("convert", "model.safetensors", "--output", "o")):
            self.assertEqual(self.recurra(*arguments)[0], 2, arguments)
        self.assertFalse(os.path.exists(self.path("out.st")))

    def test_predictions_go_to_a_file_or_are_printed(self):
        printed = self.succeed("predict", "--model", "model.safetensors", "--data", "sequences.csv")
        self.assertEqual(self.succeed("predict", "--model", "model.safetensors", "--data", "sequences.csv", "--output",
                                      "out.csv", "--batch-size", "7"), "")
        with open(self.path("out.csv"), encoding="utf-8") as file:
            self.assertEqual(file.read(), printed)
        predict = ("predict", "--model", "model.safetensors", "--data", "sequences.csv", "--output")
        self.fail_with('output "out.txt": supported are FILE.csv, FILE.npy', *predict, "out.txt")
        self.fail_with("--output: expected a file that is not read, got sequences.csv", *predict, "sequences.csv")
        self.fail_with("/nowhere: expected a folder that exists, got No such file or directory", *predict, "/nowhere/o.csv")

    def test_inspect_shows_what_is_in_a_model(self):
        out = self.succeed("inspect", "model.safetensors")
        size = os.path.getsize(self.path("model.safetensors"))
        self.assertRegex(out, rf"^file        model\.safetensors, {size} bytes\nchecksums   verified\nformat      recurra 2\n")
        self.assertIn("lstm (LSTM)", out)
        self.assertIn("\ntraining    3 epochs, 12 updates, seed 0\noptimizer   Adam, ", out)
        self.assertRegex(out, r"\n  lstm/kernel +f32   \(2, 16\)  +-\d\.\d+  +\d\.\d+  +-?\d\.\d+\n")
        described = json.loads(self.succeed("inspect", "--json", "model.safetensors"))
        self.assertEqual(described["checksums"], "verified")
        self.assertEqual(json.loads(json.dumps(described["metadata"]["user.data"]))["class_names"], ["cat", "dog", "fox, red"])
        kernel = next(tensor for tensor in described["tensors"] if tensor["name"] == "lstm/kernel")
        self.assertEqual((kernel["dtype"], kernel["shape"]), ("f32", [2, 16]))
        self.assertLess(kernel["min"], kernel["mean"])
        self.assertLess(kernel["mean"], kernel["max"])

    def test_inspect_reads_files_of_others(self):
        out = self.succeed("inspect", self.foreign())
        self.assertEqual(out, "file        foreign.safetensors, 197 bytes\nchecksums   none\n"
                              "format      safetensors, not written by recurra\n\n2 tensors\n"
                              "  tensor  type  shape   min  max    mean\n"
                              "  w       f32   (2, 2)   -3  2.5  0.1667\n"
                              "  n       i64   (1,)      7    7       7\n"
                              "  1 elements are NaN or infinite\n\nmetadata\n  made by  hand\n")
        tensors = json.loads(self.succeed("inspect", "--json", "foreign.safetensors"))["tensors"]
        self.assertEqual(tensors[0], {"name": "w", "dtype": "f32", "shape": [2, 2], "min": -3, "max": 2.5, "mean": 0.5 / 3,
                                      "not_finite": 1})
        self.fail_with('foreign.safetensors: expected a model of recurra (metadata "format": "recurra"), got no such metadata',
                       "predict", "--model", "foreign.safetensors", "--data", "sequences.csv")

    def test_damaged_files_are_refused(self):
        with open(self.path("model.safetensors"), "rb") as file:
            content = bytearray(file.read())
        content[-3] ^= 1
        self.write("damaged.safetensors", bytes(content))
        for command in (("inspect",), ("evaluate", "--data", "sequences.csv", "--model"),
                        ("predict", "--data", "sequences.csv", "--model")):
            code, out, err = self.recurra(*command, "damaged.safetensors")
            self.assertEqual((code, out), (1, ""))
            self.assertRegex(err, r"^recurra: damaged\.safetensors: optimizer/dense/bias/velocity: expected CRC-32C \w+, got \w+\n$")
        self.fail_with("none: expected a file that can be read, got No such file or directory", "inspect", "none")
        self.fail_with(f"{self.folder}: expected a regular file, got a folder", "inspect", self.folder)

    def test_metadata_of_too_many_levels_are_refused(self):
        with open(self.path("model.safetensors"), "rb") as file:
            content = file.read()
        end = 8 + struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:end])
        metadata = header["__metadata__"]
        metadata["user.data"] = "[" * 100_000 + "]" * 100_000
        for checksum in ("crc32c", "header_crc32c"):
            del metadata[checksum]
        changed = json.dumps(header).encode()
        self.write("deep.safetensors", struct.pack("<Q", len(changed)) + changed + content[end:])
        refusal = "expected JSON of at most 64 levels of lists and objects, got more"
        for command in (("evaluate", "--data", "sequences.csv", "--model"), ("predict", "--data", "sequences.csv", "--model")):
            self.fail_with(f"deep.safetensors: data: {refusal}", *command, "deep.safetensors")
        self.fail_with(f"deep.safetensors: user.data: {refusal}", "inspect", "--json", "deep.safetensors")


if __name__ == "__main__":
    main()
