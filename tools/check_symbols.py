#!/usr/bin/env python3
"""Fails when code compiled for one instruction set could run in place of code that every processor understands.

The linker keeps one copy of an inline function. Were that copy the one of an AVX-512 object, the program would die on
older processors. So all that a target's object shares must carry the target in its name, and it must need nothing.

usage: check_symbols.py --target NAME OBJECT [OBJECT...] [--target ...] [--sanitized]
"""
import argparse
import re
import subprocess
import sys

# Registers that an object of the target must not touch.
FORBIDDEN = {"scalar": r"%[yz]mm", "avx2": r"%zmm|%k[0-7]\b|%[xy]mm(1[6-9]|[23][0-9])\b"}
# Of the code's position, not of a library. A sanitizer's build calls its run-time library, too.
NEEDED = r"_GLOBAL_OFFSET_TABLE_$"
NEEDED_SANITIZED = NEEDED + r"|__(asan|ubsan|tsan|sanitizer)_|__stack_chk_fail$"


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"check_symbols: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def symbol_faults(target: str, listing: str, needed: str) -> list[str]:
    """Judges the lines of `nm -C`: [address] type name."""
    faults = []
    for line in listing.splitlines():
        match = re.match(r"(?:[0-9a-f]+|\s+) ([A-Za-z]) (.+)$", line)
        if not match:
            continue
        kind, name = match.groups()
        if kind in "Uw":
            if not re.match(needed, name):
                faults.append(f"needs {name}")
        elif kind in "WVvu":
            if f"recurra::{target}::" not in name:
                faults.append(f"shares {name}, which does not say recurra::{target}::")
        elif kind.isupper() and not name.startswith((f"recurra::{target}::table", "__odr_asan.")):
            faults.append(f"exports {name}; only recurra::{target}::table may show")
    return faults


def register_faults(target: str, listing: str) -> list[str]:
    """Judges the lines of `objdump -d`, one fault for each function."""
    faults, function = {}, "?"
    for line in listing.splitlines():
        if line.endswith(">:"):
            function = line[line.index("<") + 1 : -2]
        elif re.search(FORBIDDEN[target], line):
            faults.setdefault(function, f"{function} uses {re.search(FORBIDDEN[target], line)[0]}")
    return list(faults.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", nargs="+", required=True, metavar=("NAME", "OBJECT"))
    parser.add_argument("--sanitized", action="store_true", help="allow calls into a sanitizer's run-time library")
    arguments = parser.parse_args()
    faults = []
    for target, *objects in arguments.target:
        if not objects:
            parser.error(f"--target {target}: no object")
        for path in objects:
            found = symbol_faults(target, output("nm", "-C", path), NEEDED_SANITIZED if arguments.sanitized else NEEDED)
            if target in FORBIDDEN:
                found += register_faults(target, output("objdump", "-d", "-C", "--no-show-raw-insn", path))
            faults += [f"{path}: {fault}" for fault in found]
    print("\n".join(faults) or "symbols: no fault")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
