#!/usr/bin/env python3
"""Fails when a file has more lines than it may: check_lines.py FILE MOST."""
import pathlib
import sys

count = len(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
print(f"{sys.argv[1]}: {count} lines, at most {sys.argv[2]}")
sys.exit(count > int(sys.argv[2]))
