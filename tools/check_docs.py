#!/usr/bin/env python3
"""Makes the reference of the public headers and fails where it lacks something: check_docs.py SOURCE_FOLDER.

Doxygen writes to build/docs/ of the source folder. Its every complaint counts, but for what a name says alone: fields,
functions without arguments that only look (`size() const`), copies, moves and comparisons.
"""
import pathlib
import re
import subprocess
import sys

SPEAKS_ALONE = re.compile(
    r"Member (?:\S.* \(variable\)"
    r"|\w+\(\) const.* \(function\)"
    r"|operator(?:=|==)\(.*\).* \((?:function|friend)\)"
    r"|(?P<name>\w+)\((?:const (?P=name) &\w*|(?P=name) &&\w*)\).* \(function\)) of \w+ \S.* is not documented\.$")


def faults_of(log: str) -> list[str]:
    faults = set()
    for line in filter(None, log.splitlines()):
        place, _, text = line.partition(": warning: ")
        if not (text and SPEAKS_ALONE.match(text)):
            faults.add(f"{place}: {text}" if text else line)
    return sorted(faults)


def private_headers(root: pathlib.Path) -> list[str]:
    return [str(path.relative_to(root)) for path in sorted((root / "recurra").rglob("*.h"))
            if "Private to the library" in path.read_text(encoding="utf-8")[:2000]]


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    (root / "build").mkdir(exist_ok=True)
    config = f"@INCLUDE = docs/Doxyfile\nEXCLUDE += {' '.join(private_headers(root))}\n"
    done = subprocess.run(["doxygen", "-"], input=config, cwd=root, capture_output=True, text=True, check=False)
    faults = faults_of(done.stderr.replace(f"{root}/", "")) or ["doxygen failed"] * (done.returncode != 0)
    page = root / "build/docs/index.html"
    if not faults and not page.is_file():
        faults = [f"{page} is missing"]
    print("\n".join(faults) or f"docs: no fault, see {page}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
