#!/usr/bin/env python3
"""Fails when a folder sees one that does not stand below it, or when a cell's name leaves cells/.

usage: check_layers.py [FOLDER]      FOLDER is recurra/ unless given
"""
import graphlib
import pathlib
import re
import sys

RANK = {"base": 0, "simd": 1, "kernels": 2, "cells": 3, "engine": 4, "cuda": 5, "autograd": 5, "primitive": 6, "ops": 6,
        "stack": 6, "layers": 7, "data": 7, "formats": 8, "training": 9, "recurra.h": 9.5, "cli": 10, "python": 10}
SOURCES = {".h", ".cpp", ".inc", ".cu", ".cuh"}


def included(text: str) -> list[str]:
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', text, re.M)


def names_cell(text: str, cell: str) -> bool:
    """Whether lstm stands in a text as a word of its own or of a name: lstm_step, Lstm, PeepholeLstm, LSTM."""
    return bool(re.search(rf"(?<![a-z])({cell}|{cell.upper()})(?![a-z])|{cell.capitalize()}(?![a-z])", text))


def faults_of(root: pathlib.Path) -> list[str]:
    cells = sorted(path.name for path in root.glob("cells/*") if path.is_dir())
    faults, sees = [], {}
    for path in sorted(root.rglob("*")):
        if path.suffix not in SOURCES or path.stem.endswith(("_test", "_bench")):
            continue
        here = path.relative_to(root).parts[0]
        if here not in RANK:
            faults.append(f"{path}: '{here}' has no rank: known are {', '.join(RANK)}")
            continue
        text = path.read_text(encoding="utf-8")
        for include in included(text):
            if not include.startswith("recurra/"):
                faults.append(f'{path}: include "{include}" by its full path, "recurra/..."')
                continue
            there = include.split("/")[1]
            if there not in RANK:
                faults.append(f"{path}: sees '{there}', which has no rank")
            elif there != here:
                sees.setdefault(here, set()).add(there)
                if RANK[there] >= RANK[here]:
                    faults.append(f"{path}: layer '{here}' may not see '{there}': {include}")
        if RANK[here] <= RANK["engine"] and here != "cells":
            faults += [f"{path}: names the cell '{cell}'; what is special to it belongs in cells/"
                       for cell in cells if names_cell(text, cell)]
    try:
        graphlib.TopologicalSorter(sees).prepare()
    except graphlib.CycleError as error:
        faults.append("cycle: " + " <- ".join(error.args[1]))
    return faults


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "recurra")
    if not root.is_dir():
        print(f"check_layers: no folder {root}", file=sys.stderr)
        return 2
    faults = faults_of(root)
    print("\n".join(faults) or "layers: no fault")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
