#!/usr/bin/env python3
"""Compares one epoch of the demo's model (MNIST's rows, LSTM 64, batch normalisation, dense 10, SGD, batches of 64
from 60,000 images) between Recurra, PyTorch and Keras, each at its best, in quiet rounds (see quiet.py); keras-plain is
Keras with its defaults, as its guide writes the model.

usage: epoch.py --python PEERS/bin/python      with torch, keras and tensorflow-cpu in that environment
"""
import sys

import quiet


def contenders(arguments, threads: int) -> list[quiet.Contender]:
    common = ["--data-dir", arguments.data_dir, "--threads", str(threads)]
    ours = [arguments.program, "bench", "--epoch", "mnist", *common, "--json"]
    found = [quiet.Contender(quiet.OURS, threads, ours)]
    scripts = {"torch": ["epoch_pytorch.py"], "keras": ["epoch_keras.py"], "keras-plain": ["epoch_keras.py", "--plain"]}
    for peer in arguments.peers.split(","):
        script, *options = scripts[peer]
        command = [arguments.python, str(quiet.ROOT / "benchmarks" / script), *options, *common]
        found.append(quiet.Contender(peer, threads, command))
    return found


def main() -> int:
    parser = quiet.parser(__doc__)
    parser.add_argument("--data-dir", default=str(quiet.ROOT / "data/mnist"))
    parser.add_argument("--peers", default="torch,keras,keras-plain")
    arguments = parser.parse_args()
    all_contenders = [one for threads in arguments.threads.split(",") for one in contenders(arguments, int(threads))]
    outcome = quiet.measure("epoch-mnist", all_contenders, arguments)
    status = quiet.report([outcome], arguments)
    for peer, line in outcome.best.items():
        print(f"{peer}: accuracy on the test images {line.get('accuracy', 'unknown')}")
    return status


if __name__ == "__main__":
    sys.exit(main())
