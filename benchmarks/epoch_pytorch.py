#!/usr/bin/env python3
"""Trains the demo's model with PyTorch and prints one JSON line: seconds of the best epoch, accuracy after the last.

The model is Keras's in every number: initial distributions, one bias for each gate, momentum and epsilon of the
normalisation. Measured with torch 2.15 and two threads, seconds an epoch, and hence chosen: time batch-first, batches
gathered one by one, fused SGD 2.5; all gathered at the start of the epoch 2.6; time-first 3.0; SGD not fused 2.7;
torch.compile, which leaves the LSTM to the same kernel, 2.9; without oneDNN 9.6.
"""
import argparse
import gzip
import json
import os
import time

# On guests that hide AMX's tiles oneDNN would die of an illegal instruction.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

import numpy as np
import torch

BATCH = 64


def read_idx(path: str) -> np.ndarray:
    with gzip.open(path) as file:
        data = file.read()
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_mnist(folder: str, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    images = read_idx(os.path.join(folder, f"{part}-images-idx3-ubyte.gz")).astype(np.float32) / 255
    labels = read_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte.gz")).astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


class DigitReader(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(28, 64, batch_first=True)
        self.norm = torch.nn.BatchNorm1d(64, eps=1e-3, momentum=0.01)
        self.dense = torch.nn.Linear(64, 10)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        torch.nn.init.xavier_uniform_(self.lstm.weight_ih_l0)
        torch.nn.init.orthogonal_(self.lstm.weight_hh_l0)
        self.lstm.bias_ih_l0.zero_()[64:128] = 1  # the forget gate's
        self.lstm.bias_hh_l0.zero_()
        torch.nn.init.xavier_uniform_(self.dense.weight)
        self.dense.bias.zero_()

    def trained(self) -> list[torch.nn.Parameter]:
        return [value for name, value in self.named_parameters() if name != "lstm.bias_hh_l0"]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        _, (last, _) = self.lstm(images)
        return self.dense(self.norm(last[0]))


def train_epoch(model: DigitReader, optimizer: torch.optim.SGD, images: torch.Tensor, labels: torch.Tensor) -> None:
    loss_of = torch.nn.CrossEntropyLoss()
    total = torch.zeros(())
    for batch in torch.randperm(len(images)).split(BATCH):
        optimizer.zero_grad()
        loss = loss_of(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        total += loss.detach()


def accuracy(model: DigitReader, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    with torch.inference_mode():
        return (model(images).argmax(1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data-dir", default="data/mnist")
    parser.add_argument("--epochs", type=int, default=2, help="the first one warms up")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)

    images, labels = read_mnist(arguments.data_dir, "train")
    model = DigitReader()
    optimizer = torch.optim.SGD(model.trained(), lr=0.01, fused=True)
    seconds = []
    for _ in range(arguments.epochs):
        start = time.perf_counter()
        train_epoch(model, optimizer, images, labels)
        seconds.append(time.perf_counter() - start)
    found = accuracy(model, *read_mnist(arguments.data_dir, "t10k"))
    print(json.dumps({"peer": "torch", "threads": arguments.threads, "seconds": round(min(seconds), 4),
                      "accuracy": round(found, 4), "epochs": arguments.epochs}))


if __name__ == "__main__":
    main()
