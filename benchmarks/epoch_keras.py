#!/usr/bin/env python3
"""Trains the demo's model with Keras on TensorFlow and prints one JSON line: seconds of the best epoch, accuracy after
the last.

Measured with Keras 3.15, TensorFlow 2.21 and two threads, seconds of the best epoch, and hence chosen: the LSTM
unrolled, 16 steps an execution, arrays 3.8. Not unrolled 4.7; 64 steps an execution 5.1; compiled by XLA with 16 steps
an execution 4.6 (on one thread 4.2, where the choice takes 4.4); a step an execution 6.6; as above and not unrolled,
Keras's defaults, 7.0; tf.data from memory 9.0 and more.
"""
import argparse
import gzip
import json
import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

BATCH = 64


def read_idx(path: str) -> np.ndarray:
    with gzip.open(path) as file:
        data = file.read()
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_mnist(folder: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(os.path.join(folder, f"{part}-images-idx3-ubyte.gz")).astype(np.float32) / 255
    return images, read_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte.gz")).astype(np.int32)


def digit_reader(plain: bool) -> keras.Model:
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.LSTM(64, unroll=not plain),
                              keras.layers.BatchNormalization(), keras.layers.Dense(10)])
    tuned = {} if plain else {"steps_per_execution": 16, "jit_compile": False}
    # No metric but the loss: the peers count none while they train.
    model.compile(optimizer=keras.optimizers.SGD(0.01), **tuned,
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data-dir", default="data/mnist")
    parser.add_argument("--epochs", type=int, default=2, help="the first one warms up")
    parser.add_argument("--plain", action="store_true", help="Keras's defaults, as its guide writes the model")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    keras.utils.set_random_seed(0)

    images, labels = read_mnist(arguments.data_dir, "train")
    model = digit_reader(arguments.plain)
    seconds = []
    for _ in range(arguments.epochs):
        start = time.perf_counter()
        model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)
        seconds.append(time.perf_counter() - start)
    images, labels = read_mnist(arguments.data_dir, "t10k")
    found = float(np.mean(model.predict(images, batch_size=1000, verbose=0).argmax(1) == labels))
    print(json.dumps({"peer": "keras-plain" if arguments.plain else "keras", "threads": arguments.threads, "seconds": round(min(seconds), 4),
                      "accuracy": round(found, 4), "epochs": arguments.epochs}))


if __name__ == "__main__":
    main()
