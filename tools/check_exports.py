#!/usr/bin/env python3
"""Fails when the shared library shows more than its own: check_exports.py LIBRARY.

Every symbol is in the namespace recurra, but for what the standard library marks as shared by all who use it: inline
functions and static objects of std, and type information of built-in types. Nothing of another library, and nothing
of a target's or a file's own namespace.
"""
import re
import subprocess
import sys

OURS = re.compile(r"(?:(?:vtable|VTT|typeinfo|typeinfo name|guard variable|construction vtable) for )?recurra::"
                  r"(?!(?:scalar|avx2|avx512|cli|\(anonymous namespace\))::)")
# nm writes W, V or u for what every user may bring along; names of templates stand behind their return types.
STANDARD = re.compile(r"(?:.* )?(?:std|__gnu_cxx)::|typeinfo (?:name )?for ")
FOREIGN = re.compile(r"nlohmann::|Eigen::|fmt::|CLI::")


def faults_of(listing: str) -> list[str]:
    """Judges the lines of `nm -D -C --defined-only`: address type name."""
    faults = []
    for line in listing.splitlines():
        _, kind, name = line.split(" ", 2)
        shared = kind in "WVu" and STANDARD.match(name) and not FOREIGN.search(name)
        if not OURS.match(name) and not shared:
            faults.append(f"{kind} {name}")
    return faults


def main() -> int:
    listing = subprocess.run(["nm", "-D", "-C", "--defined-only", sys.argv[1]], capture_output=True, text=True,
                             check=True).stdout
    faults = faults_of(listing)
    print("\n".join(faults) or f"exports: {len(listing.splitlines())} symbols, no fault")
    return bool(faults) or not listing


if __name__ == "__main__":
    sys.exit(main())
