#!/usr/bin/env python3
"""Fails when a C++ block of the README is not, to the letter, a file of examples/: check_readme.py SOURCE_FOLDER."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
examples = {path.read_text(encoding="utf-8") for path in root.glob("examples/*.cpp")}
blocks = re.findall(r"^```cpp\n(.*?)^```$", (root / "README.md").read_text(encoding="utf-8"), re.M | re.S)
faults = [block.splitlines()[0] for block in blocks if block not in examples]
print("\n".join(f"README.md: no file of examples/ is the block that begins: {line}" for line in faults) or
      f"readme: {len(blocks)} block(s) compiled")
sys.exit(bool(faults) or not blocks)
