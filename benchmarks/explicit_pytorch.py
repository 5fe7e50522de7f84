#!/usr/bin/env python3
"""One training step of explicit_stack.cpp's network with PyTorch, and one JSON line: written out with an LSTMCell for
each layer and direction at every step, or with --fused by nn.LSTM.
"""
import argparse
import json
import os
import time

# On guests that hide AMX's tiles oneDNN would die of an illegal instruction.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

import torch

FEATURES, UNITS, LAYERS, BATCH, FRAMES = 40, 512, 3, 16, 100


class Explicit(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells = torch.nn.ModuleList(
            torch.nn.ModuleList(torch.nn.LSTMCell(FEATURES if layer == 0 else 2 * UNITS, UNITS) for _ in range(2))
            for layer in range(LAYERS))

    @staticmethod
    def run(cell: torch.nn.LSTMCell, steps: list[torch.Tensor], reverse: bool) -> list[torch.Tensor]:
        state, outputs = None, []
        for x in reversed(steps) if reverse else steps:
            state = cell(x, state)
            outputs.append(state[0])
        return outputs[::-1] if reverse else outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = list(x.unbind(1))
        for forward, backward in self.cells:
            halves = self.run(forward, steps, False), self.run(backward, steps, True)
            steps = [torch.cat(both, 1) for both in zip(*halves)]
        return torch.stack(steps, 1)


class Fused(torch.nn.LSTM):
    def __init__(self) -> None:
        super().__init__(FEATURES, UNITS, LAYERS, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="behind one that warms up; the fastest counts")
    parser.add_argument("--fused", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = Fused() if arguments.fused else Explicit()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, fused=True)
    x = torch.randn(BATCH, FRAMES, FEATURES)
    taken = []
    for _ in range(arguments.steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        taken.append(time.perf_counter() - start)
    print(json.dumps({"peer": "torch-fused" if arguments.fused else "torch-explicit", "threads": arguments.threads,
                      "ms": round(1e3 * min(taken[1:]), 3)}))


if __name__ == "__main__":
    main()
