"""What the tests of the program share: running it, and small data for it. Scripts are called with PROGRAM SOURCE_FOLDER."""
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

PROGRAM, SOURCE = map(os.path.abspath, sys.argv[1:3])
MNIST = os.path.join(SOURCE, "data", "mnist")


def run(*arguments, cwd=SOURCE, **environment):
    """Exit status, standard output, standard error."""
    env = {**os.environ, **environment}
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, env=env, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="surrogateescape")


def npy(descr, shape, values):
    """The bytes of an npy file; descr is <f4, <i4 or <i8."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    letter = {"<f4": "f", "<i4": "i", "<i8": "q"}[descr]
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack(f"<{len(values)}{letter}", *values))


def read_npy(path):
    """Shape and values of an npy file of f4."""
    with open(path, "rb") as file:
        content = file.read()
    end = 10 + struct.unpack("<H", content[8:10])[0]
    shape = eval(content[10:end])["shape"]
    return shape, struct.unpack(f"<{math.prod(shape)}f", content[end:])


class ProgramTest(unittest.TestCase):
    """Runs in a folder of its own, in which write makes files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return name

    def recurra(self, *arguments, **environment):
        return run(*arguments, cwd=self.folder, **environment)

    def succeed(self, *arguments):
        """Standard output of a run that must end well."""
        code, out, err = self.recurra(*arguments)
        self.assertEqual(code, 0, (arguments, err))
        return out

    def fail_with(self, text, *arguments, code=1):
        """Checks a run that must end with one line on stderr, and nothing on stdout."""
        self.assertEqual(self.recurra(*arguments), (code, "", f"recurra: {text}\n"), arguments)

    def sequences(self, name="sequences.csv", count=30, columns="id,a,b,kind", kinds=("cat", "dog", '"fox, red"')):
        """A table of sequences of three classes that are easy to tell apart."""
        draw = random.Random(1)
        lines = [columns]
        for i in range(count):
            kind = i % len(kinds)
            lines += [f"s{i},{math.sin(t * (kind + 1)):.4f},{draw.random():.4f},{kinds[kind]}" for t in range(4 + i % 3)]
        return self.write(name, "\n".join(lines) + "\n")

    def series(self, name="series.csv", rows=60):
        lines = ["time,temp,rain"] + [f"{t},{math.sin(t / 5):.4f},{math.cos(t / 7):.4f}" for t in range(rows)]
        return self.write(name, "\n".join(lines) + "\n")

    def arrays(self, count=24):
        """x.npy (count, 5, 2), y.npy of two classes, and both in arrays.npz."""
        draw = random.Random(2)
        values = [draw.gauss(0, 1) for _ in range(count * 10)]
        labels = [int(sum(values[10 * i:10 * i + 10]) > 0) for i in range(count)]
        self.write("x.npy", npy("<f4", (count, 5, 2), values))
        self.write("y.npy", npy("<i8", (count,), labels))
        with zipfile.ZipFile(self.path("arrays.npz"), "w") as archive:
            archive.write(self.path("x.npy"), "inputs.npy")
            archive.write(self.path("y.npy"), "targets.npy")


def main():
    unittest.main(module="__main__", argv=sys.argv[:1])
