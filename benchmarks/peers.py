"""The peers that rows.py compares with: their scripts stand outside this repository, in a folder peers/ of the folder that
RECURRA_SHARED names, or else of ../shared. There rows.json has the rows, peers.py times them (setup.sh installs what it
needs), and RESULTS.md has a table of what each peer once took, which says who can run what.
"""
import json
import os
import pathlib
import re
import subprocess

import quiet

# What RESULTS.md calls them, and peers.py.
NAMES = {"torch": "torch", "onnxruntime": "ort", "onednn": "onednn", "openvino": "openvino", "tensorflow": "tf"}
PACKAGES = ["torch", "onnxruntime", "onednn-cpu-gomp", "openvino", "tensorflow-cpu"]


def folder() -> pathlib.Path:
    shared = pathlib.Path(os.environ.get("RECURRA_SHARED", quiet.ROOT.parent / "shared"))
    found = shared / "peers"
    if not (found / "peers.py").exists():
        raise SystemExit(f"{found}: no peers.py there; RECURRA_SHARED names the folder in which peers/ stands")
    return found


def default_python() -> str:
    """The interpreter of the environment that setup.sh makes."""
    return str(pathlib.Path.home() / ".cache/rnn-peers/bin/python")


def f32_rows(path: pathlib.Path) -> list[dict]:
    return [row for row in json.loads(path.read_text(encoding="utf-8")) if row["dtype"] == "f32"]


def able_peers() -> dict[str, list[str]]:
    """For each row of RESULTS.md the peers, as peers.py calls them, that have a time there."""
    lines = (folder() / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    table = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, rows = table[0], table[2:]
    return {row[0]: [NAMES[peer] for peer, cell in zip(head[1:], row[1:]) if cell != "-"] for row in rows}


def command(python: str, peer: str, row: dict, path: str, seconds: float, threads: int) -> list[str]:
    """A run of one peer on one row, which the file at `path` holds."""
    program = pathlib.Path(python).parent.parent / "dnnl_bench"  # where setup.sh builds it
    return ["env", f"DNNL_BENCH={program}", python, str(folder() / "peers.py"), "--rows", path, "--only", f"^{re.escape(row['name'])}$",
            "--peers", peer, "--seconds", str(seconds), "--threads", str(threads)]


def versions(python: str) -> str:
    """Packages of the peers and their versions, as one text."""
    script = ("import importlib.metadata as m\n"
              f"found = {{d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}}\n"
              f"print(', '.join(name + ' ' + found[name] for name in {PACKAGES} if name in found))")
    return subprocess.run([python, "-c", script], check=True, capture_output=True, text=True).stdout.strip()
