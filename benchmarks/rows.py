#!/usr/bin/env python3
"""Compares Recurra with its peers on rows (a cell, its sizes, a mode), row by row in quiet rounds (see quiet.py).

usage: rows.py --rows FILE [--only REGEX] [--peers SCRIPT --python PEERS/bin/python]

FILE is a JSON list of rows with a name each. SCRIPT times the peers: it takes --rows FILE --only REGEX --seconds S
--threads N, as `recurra bench` does but for --only, and prints a JSON line {"row", "peer", "ms"} for each.
"""
import json
import pathlib
import re
import sys
import tempfile

import quiet


def contenders(arguments, row: dict, folder: str) -> list[quiet.Contender]:
    path = pathlib.Path(folder) / f"{row['name']}.json"
    path.write_text(json.dumps([row]), encoding="utf-8")
    found = []
    for threads in map(int, arguments.threads.split(",")):
        common = ["--rows", str(path), "--seconds", str(arguments.seconds), "--threads", str(threads)]
        found.append(quiet.Contender(quiet.OURS, threads, [arguments.program, "bench", *common, "--json"]))
        if arguments.peers:
            command = [arguments.python, arguments.peers, *common, "--only", f"^{re.escape(row['name'])}$"]
            found.append(quiet.Contender("peers", threads, command + (arguments.peer_options or "").split()))
    return found


def main() -> int:
    parser = quiet.parser(__doc__)
    parser.add_argument("--rows", required=True, metavar="FILE")
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--peers", metavar="SCRIPT")
    parser.add_argument("--peer-options", metavar="OPTIONS", help="more options for SCRIPT, in one word")
    parser.add_argument("--seconds", type=float, default=0.6, help="for each row, peer and number of threads")
    arguments = parser.parse_args()
    rows = [row for row in json.loads(pathlib.Path(arguments.rows).read_text()) if re.search(arguments.only, row["name"])]
    if not rows:
        parser.error(f"no row's name matches {arguments.only!r}")
    with tempfile.TemporaryDirectory() as folder:
        outcomes = [quiet.measure(row["name"], contenders(arguments, row, folder), arguments.keep, arguments.limit)
                    for row in rows]
    return quiet.report(outcomes, arguments)


if __name__ == "__main__":
    sys.exit(main())
