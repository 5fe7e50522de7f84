"""Shapes drawn from a grid of what recurrent networks are used for: tiny real-time models, streams, serving of single and a
few sequences, training. The grid's lines are published models and benchmarks (RTNeural's and NAM's models, Hello Edge,
RNNoise, DeepFilterNet, DeepBench, GNMT, oneDNN's own shapes, PyTorch's and Keras's issues). Left out are projections, which
the rows cannot say, and training of vanilla cells, for which the peers' driver of oneDNN has no way back. GRUs of more than
four rows and those that are trained reset behind the product, since oneDNN 3.2 fails on the other form there.
"""
import dataclasses
import random

MOST_FLOPS = 10e9
MOST_ROWS_OF_GRU = 4
GATES = {"lstm": 4, "gru": 3, "lbr_gru": 3, "rnn_tanh": 1}
GRUS = ["gru", "lbr_gru"]


@dataclasses.dataclass
class Line:
    """Where a shape comes from: one of each list. As many inputs as units where there is no list of them; `sizes` are
    (inputs, units, steps) that belong together, in place of the three lists."""
    mode: str
    cells: list[str]
    units: list[int] = dataclasses.field(default_factory=list)
    inputs: list[int] | None = None
    batches: list[int] = dataclasses.field(default_factory=lambda: [1])
    steps: list[int] = dataclasses.field(default_factory=lambda: [1])
    layers: list[int] = dataclasses.field(default_factory=lambda: [1])
    directions: list[int] = dataclasses.field(default_factory=lambda: [1])
    sizes: list[tuple[int, int, int]] | None = None


GRID = [
    # Tiny models in real time.
    Line("infer", ["lstm"], [20], [1, 2, 3], steps=[64, 128, 256, 512]),
    Line("infer", ["lstm"], [40], [1], steps=[512]),
    Line("infer", ["lstm"], [8, 16, 24], [1], steps=[512], layers=[1, 2]),
    Line("infer", GRUS, [8, 16, 24, 40], [1], steps=[512]),
    Line("infer", ["lstm"], sizes=[(24, 32, 63), (48, 32, 31), (96, 32, 15)], directions=[2]),
    Line("infer", ["rnn_tanh"], sizes=[(32, 32, 672), (64, 64, 96)]),
    Line("infer", ["lstm"], [118, 214, 344], [10], steps=[49]),
    Line("infer", GRUS, [154, 250, 400], [10], steps=[25, 49]),
    # Streams, a step or a chunk at a time.
    Line("step", ["lstm"], [128], [128]),
    Line("step", GRUS, [256, 384], layers=[3]),
    Line("infer", GRUS, [256], [256], steps=[10, 25, 50, 100], layers=[2, 3]),
    Line("step", ["lstm"], [128], [128, 257], layers=[2]),
    Line("infer", ["lstm"], [2048], steps=[16]),
    Line("infer", GRUS, [256], [384], steps=[35456]),
    Line("infer", GRUS, [256], steps=[1000]),
    # Serving of one and a few sequences.
    Line("infer", ["lstm"], [512, 1024, 2048], batches=[1, 2, 4], steps=[25]),
    Line("infer", ["lstm"], [1536], batches=[1, 2, 4], steps=[50]),
    Line("infer", ["lstm"], [256], batches=[1, 2, 4], steps=[150]),
    Line("infer", GRUS, [1536, 2048, 2560, 2816], batches=[1, 2, 4], steps=[187, 375, 750, 1500]),
    Line("infer", GRUS, [1024], batches=[1, 2, 4], steps=[1500]),
    Line("step", GRUS, [512], batches=[1, 2, 4]),
    Line("infer", ["rnn_tanh", "lbr_gru"], [1760], batches=[1, 64], steps=[50, 100, 200]),
    Line("infer", ["lstm"], [256], batches=[1, 64], steps=[10, 20, 30, 40, 50, 60, 70, 101], directions=[2]),
    Line("infer", ["lstm"], [512], batches=[1, 64], steps=[10, 30, 50, 70, 101]),
    Line("infer", ["lstm"], [1024], batches=[1, 64], steps=[30], layers=[7]),
    Line("step", ["lstm"], [1024], [1024, 2048], batches=[1, 10, 640], layers=[8]),
    Line("infer", ["lstm"], [500], steps=[50]),
    Line("infer", ["lstm"], [128], steps=[629]),
    Line("infer", ["lstm"], [256], [256, 512], batches=[1, 16], steps=[26, 100], layers=[2], directions=[2]),
    Line("infer", ["lstm", *GRUS], [64, 128, 256, 512, 1024], batches=[1, 4, 16, 64], steps=[100], layers=[1, 2, 4],
         directions=[1, 2]),
    # Training.
    Line("train", ["lstm"], [512, 1024, 2048, 4096], batches=[16, 32, 64, 128], steps=[25]),
    Line("train", ["lstm"], [1536], batches=[8, 16, 32], steps=[50]),
    Line("train", ["lstm"], [256], batches=[16, 32, 64], steps=[150]),
    Line("train", GRUS, [1536, 2048, 2560, 2816], batches=[32], steps=[187, 375, 750, 1500]),
    Line("train", GRUS, [1024], batches=[32, 64], steps=[1500]),
    Line("train", ["lstm"], sizes=[(240, 1024, 256), (1024, 1024, 256), (2048, 1024, 128)], batches=[32]),
    Line("train", ["lstm"], [320], batches=[896], steps=[1], layers=[1, 2]),
    Line("train", ["lstm"], [500], batches=[64], steps=[50]),
    Line("train", ["lstm"], [128], batches=[128], steps=[629, 952]),
    Line("train", ["lstm"], [16], [1], batches=[5], steps=[3], layers=[3], directions=[2]),
    Line("train", ["lstm"], [128], [1], batches=[16], steps=[113], layers=[3], directions=[2]),
    Line("train", ["lstm"], [512, 1024], [1], batches=[32], steps=[87, 227], layers=[3], directions=[2]),
    Line("train", ["lstm"], [800], batches=[20], steps=[300]),
    Line("train", ["lstm"], [128], [64, 128], batches=[32, 64, 128, 256], steps=[80, 200, 500, 1000], layers=[1, 2],
         directions=[1, 2]),
]


def flops_of(row: dict) -> float:
    """As peers.py counts them: the products alone, in training three times those of the forward."""
    directions = 2 if row["bidirectional"] else 1
    width, total = row["input"], 0.0
    for _ in range(row["layers"]):
        total += 2.0 * row["steps"] * row["batch"] * directions * GATES[row["cell"]] * row["hidden"] * (width + row["hidden"])
        width = directions * row["hidden"]
    return total * (3 if row["mode"] == "train" else 1)


def draw(random_: random.Random) -> dict:
    line = random_.choice(GRID)
    if line.sizes:
        inputs, units, steps = random_.choice(line.sizes)
    else:
        units, steps = random_.choice(line.units), random_.choice(line.steps)
        inputs = random_.choice(line.inputs) if line.inputs else units
    cell, layers, directions = (random_.choice(one) for one in (line.cells, line.layers, line.directions))
    batch = random_.choice(line.batches)
    if cell == "gru" and (batch > MOST_ROWS_OF_GRU or line.mode == "train"):
        cell = "lbr_gru"
    name = f"{line.mode}-{cell}-{layers}x{directions}-{inputs}-{units}-b{batch}-t{steps}"
    return {"name": name, "mode": line.mode, "cell": cell, "layers": layers, "bidirectional": directions == 2,
            "input": inputs, "hidden": units, "batch": batch, "steps": steps, "dtype": "f32"}


def drawn(count: int, seed: int) -> list[dict]:
    """`count` different rows of at most 10 GFLOP; the same for the same seed."""
    random_, found = random.Random(seed), {}
    while len(found) < count:
        row = draw(random_)
        if flops_of(row) <= MOST_FLOPS:
            found[row["name"]] = row
    return list(found.values())
