#!/usr/bin/env python3
"""Examples from files of every kind, good and bad: data_test.py PROGRAM SOURCE_FOLDER."""
import os

from support import ProgramTest, main, npy, read_npy

QUICK = ("--epochs", "1", "--quiet", "--save", "model.safetensors")
SEQUENCES = ("--sequence", "id", "--target", "kind")


class Data(ProgramTest):
    def train(self, *arguments):
        self.succeed("train", *arguments, *QUICK)

    def predict(self, *arguments):
        return self.succeed("predict", "--model", "model.safetensors", *arguments).splitlines()

    def refuse(self, text, *arguments):
        self.fail_with(text, "train", *arguments)
        self.assertFalse(os.path.exists(self.path("model.safetensors")))

    def test_sequences_of_a_table_are_classified_by_name(self):
        data = self.sequences()
        self.succeed("train", "--data", data, *SEQUENCES, "--optimizer", "adam", "--learning-rate", "0.03", "--epochs", "25",
                     "--batch-size", "8", "--validation", "0.2", "--quiet", "--save", "model.safetensors")
        lines = self.predict("--data", data)
        self.assertEqual((lines[0], len(lines)), ("id,class,probability", 31))
        self.assertEqual([line.rsplit(",", 1)[0] for line in lines[1:4]], ["s0,cat", "s1,dog", 's2,"fox, red"'])
        self.assertEqual(self.predict("--data", data, "--index", "1"), [lines[0], lines[2]])
        with open(self.path(data), encoding="utf-8") as file:
            rows = [line.split(",")[:3] for line in file.read().splitlines()]
        unlabelled = self.write("unlabelled.csv", "".join(",".join(row) + "\r\n" for row in rows))
        self.assertEqual(self.predict("--data", unlabelled), lines)
        self.fail_with(f'{unlabelled}: column: expected one of "id", "a", "b", got "kind"',
                       "evaluate", "--model", "model.safetensors", "--data", unlabelled)

    def test_features_are_those_of_the_training_whatever_their_order(self):
        self.train("--data", self.sequences(), *SEQUENCES)
        lines = self.predict("--data", "sequences.csv")
        with open(self.path("sequences.csv"), encoding="utf-8") as file:
            rows = [line.split(",", 3) for line in file.read().splitlines()]
        moved = self.write("moved.csv", "\n".join(f"{b},7,{a},{i},{kind}" for i, a, b, kind in rows).replace("7", "more", 1))
        self.assertEqual(self.predict("--data", moved), lines)

    def test_a_class_that_training_never_saw_is_named(self):
        self.train("--data", self.sequences(), *SEQUENCES)
        self.write("other.csv", "id,a,b,kind\ns0,1,2,cat\ns1,1,2,owl\n")
        self.fail_with('other.csv:3: column 4 ("kind"): expected one of "cat", "dog", "fox, red", got "owl"',
                       "evaluate", "--model", "model.safetensors", "--data", "other.csv")
        self.fail_with('other.csv:3: column 4 ("kind"): expected one of "cat", "dog", "fox, red", got "owl"',
                       "train", "--data", "sequences.csv", *SEQUENCES, "--validation", "other.csv")

    def test_numbers_are_foretold_for_sequences_and_steps(self):
        data = self.write("numbers.csv", "id,a,t\n" + "".join(f"s{i // 2},{i},{i // 2}\n" for i in range(12)))
        self.train("--data", data, "--sequence", "id", "--target", "t")
        lines = self.predict("--data", data)
        self.assertEqual([line.split(",")[0] for line in lines], ["id"] + [f"s{i}" for i in range(6)])
        self.assertEqual(lines[0], "id,t")
        self.train("--data", data, "--sequence", "id", "--target", "t", "--target-kind", "number-per-step")
        lines = self.predict("--data", data)
        self.assertEqual([line.rsplit(",", 1)[0] for line in lines[:4]], ["id,step", "s0,1", "s0,2", "s1,1"])
        self.train("--data", data, "--sequence", "id", "--target", "t", "--target-kind", "class")
        self.assertIn(self.predict("--data", data)[1].split(",")[1], list("012345"))
        self.fail_with('numbers.csv:3: column 2 ("a"): expected the target of the rows before, which are of the same '
                       'sequence, got another', "train", "--data", data, "--sequence", "id", "--target", "a")

    def test_fewer_examples_than_a_batch_are_one_batch(self):
        self.train("--data", self.sequences(count=5), *SEQUENCES, "--batch-size", "1000")
        self.assertIn("training    1 epochs, 1 updates, ", self.succeed("inspect", "model.safetensors"))
        self.assertEqual(len(self.predict("--data", "sequences.csv", "--batch-size", "1000")), 6)

    def test_windows_of_a_series_foretell_what_comes_next(self):
        data = self.series()
        self.train("--data", data, "--window", "10", "--horizon", "2", "--features", "temp,rain", "--target", "temp",
                   "--validation", "0.2")
        lines = self.predict("--data", data)
        # The last window ends with the file, on line 61 behind the header: what comes next, nobody knows yet.
        self.assertEqual((lines[0], len(lines) - 1), ("line,temp+1,temp+2", 51))
        self.assertEqual([line.split(",")[0] for line in (lines[1], lines[-1])], ["11", "61"])
        self.fail_with("series.csv: expected at least 102 rows for window 100 and horizon 2, got 60",
                       "train", "--data", data, "--window", "100", "--horizon", "2")
        short = self.series("short.csv", rows=9)
        self.fail_with("short.csv: expected at least 10 rows for window 10, got 9",
                       "predict", "--model", "model.safetensors", "--data", short)

    def test_arrays_come_from_npy_and_npz(self):
        self.arrays()
        self.train("--data", "x.npy", "--labels", "y.npy", "--model", "lstm:4,dense:outputs")
        one = self.succeed("evaluate", "--model", "model.safetensors", "--data", "x.npy", "--labels", "y.npy")
        other = self.succeed("evaluate", "--model", "model.safetensors", "--data", "arrays.npz", "--x", "inputs",
                             "--y", "targets")
        self.assertEqual(one, other)
        lines = self.predict("--data", "x.npy")
        self.assertEqual((lines[0], len(lines)), ("example,class,probability", 25))
        self.assertEqual(self.predict("--data", "x.npy", "--output", "p.npy"), [])
        shape, values = read_npy(self.path("p.npy"))
        self.assertEqual(shape, (24, 2))
        for row, line in enumerate(lines[1:]):
            pair = values[2 * row:2 * row + 2]
            self.assertAlmostEqual(sum(pair), 1, places=6)
            self.assertAlmostEqual(max(pair), float(line.split(",")[2]), places=6)
        self.write("y9.npy", npy("<i8", (24,), [0] * 23 + [9]))
        self.fail_with("y9.npy: row 23: expected a class from 0 to 1, which training saw, got 9",
                       "evaluate", "--model", "model.safetensors", "--data", "x.npy", "--labels", "y9.npy")

    def test_wrong_arrays_are_refused(self):
        self.arrays()
        self.refuse("x.npy: expected targets beside the inputs, got none", "--data", "x.npy", *QUICK)
        self.refuse("--data arrays.npz: expected --x NAME, the array of inputs, got nothing", "--data", "arrays.npz", *QUICK)
        self.refuse("arrays.npz: expected an array among inputs, targets, got z", "--data", "arrays.npz", "--x", "z",
                    "--y", "targets", *QUICK)
        self.write("minus.npy", npy("<i8", (24,), [0] * 5 + [-1] + [1] * 18))
        self.refuse("minus.npy: row 5: expected a class from 0 up, got -1", "--data", "x.npy", "--labels", "minus.npy", *QUICK)
        self.write("large.npy", npy("<i8", (24,), [2**40] * 24))
        self.refuse("large.npy: expected integers of 32 bits, got 1099511627776", "--data", "x.npy", "--labels", "large.npy",
                    *QUICK)
        self.refuse("--labels: expected data of the kind arrays, got --data a.csv, of the kind windows", "--data", "a.csv",
                    "--window", "3", "--labels", "y.npy")
        self.refuse("--window: expected data of the kind windows or text, got --data mnist, of the kind mnist",
                    "--window", "3")

    def test_the_next_token_of_a_text_is_foretold(self):
        self.write("corpus.txt", "the cat sat on the mat. " * 12)
        self.train("--data", "corpus.txt", "--text", "characters", "--window", "6")
        lines = self.predict("--data", "corpus.txt")
        self.assertEqual((lines[0], len(lines) - 1), ("tokens,class,probability", 24 * 12 - 5))
        self.write("new.txt", "the bat xyz")
        self.assertEqual(len(self.predict("--data", "new.txt")) - 1, 6)
        self.train("--data", "corpus.txt", "--text", "words", "--window", "5", "--target-kind", "class-per-step")
        lines = self.predict("--data", "corpus.txt")
        self.assertEqual(lines[0], "tokens,step,class,probability")
        self.assertIn(lines[1].split(",")[2], ("the", "cat", "sat", "on", "mat."))
        self.fail_with("corpus.txt: expected more tokens than --window 999, got 72", "train", "--data", "corpus.txt", "--text",
                       "words", "--window", "999")

    def test_damaged_tables_are_refused_with_line_and_column(self):
        window = ("--window", "2", *QUICK)
        cases = {
            "a,b\n1,2\n3\n": "t.csv:3: expected 2 cells, got 1",
            "": "t.csv: expected a row of cells, got an empty file",
            "a,b\nx,y\nz,w\nv,u\n": 't.csv: expected a column of numbers, got columns "a", "b"',
            "a,b\n1,2\n3,x\n": 't.csv:3: column 2 ("b"): expected a number, got "x"',
            "a;b\n1;2,5\n1;2\n1;2\n": 't.csv:2: column 2 ("b"): expected a number, got "2,5" (decimal comma)',
        }
        for content, text in cases.items():
            self.write("t.csv", content)
            self.refuse(text, "--data", "t.csv", *window)
        self.write("t.csv", b"\xef\xbb\xbfa,b\r\n" + b"".join(b"%d,2\r\n" % i for i in range(9)))
        self.train("--data", "t.csv", "--window", "2")

    def test_bytes_that_are_not_utf8_pass_in_file_names_and_are_refused_in_names_of_classes(self):
        os.mkdir(os.fsencode(self.folder) + b"/\xff\xfe")
        table = self.sequences()
        os.rename(self.path(table), os.fsencode(self.folder) + b"/\xff\xfe/t\xff.csv")
        code, _, err = self.recurra("train", "--data", b"\xff\xfe/t\xff.csv", *SEQUENCES, "--epochs", "1", "--quiet",
                                    "--save", b"\xff\xfe/m\xff.safetensors")
        self.assertEqual((code, os.fsencode(err)), (0, b"Saved \xff\xfe/m\xff.safetensors\n"))
        code, out, _ = self.recurra("inspect", b"\xff\xfe/m\xff.safetensors")
        self.assertEqual(code, 0)
        self.assertTrue(os.fsencode(out).startswith(b"file        \xff\xfe/m\xff.safetensors, "))
        self.assertEqual(self.recurra("inspect", "--json", b"\xff\xfe/m\xff.safetensors")[0], 0)
        self.write("latin.csv", b"id,a,kind\ns0,1,caf\xe9\ns1,2,cat\n")
        self.refuse("data: expected names of columns and classes in UTF-8, got other bytes", "--data", "latin.csv", *SEQUENCES,
                    *QUICK)

    def test_data_of_another_kind_than_the_models_are_refused(self):
        self.arrays()
        self.train("--data", self.sequences(), *SEQUENCES)
        self.fail_with("data: expected a file for sequences, as the model was trained on, got x.npy",
                       "predict", "--model", "model.safetensors", "--data", "x.npy")


if __name__ == "__main__":
    main()
