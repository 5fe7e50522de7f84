#!/usr/bin/env python3
"""Fetches oneDNN, with which tests and benchmarks compare: headers and library from two wheels of PyPI.

usage: fetch_onednn.py [FOLDER]      default: build/onednn of this checkout; nothing is done where it is complete

Needs pip, or the wheel of pip that Debian's python3-pip-whl brings. The wheels are pinned by their hashes; they are
for x86-64 and Linux. oneDNN 3.2 is the last one whose wheels do without SYCL.
"""
import glob
import importlib.util
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile

VERSION = "2023.2.0"
WHEELS = {
    "onednn-cpu-gomp": "2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb",
    "onednn-devel-cpu-gomp": "9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284",
}
LIBRARY = "libdnnl.so.3"
DEBIAN_PIP = "/usr/share/python-wheels/pip-*.whl"


def pip() -> list[str]:
    """The command that is pip: a wheel of it can be run where it is not installed."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    wheels = glob.glob(DEBIAN_PIP)
    if not wheels:
        raise SystemExit("fetch_onednn: no pip here; Debian's package python3-pip-whl is enough")
    return [sys.executable, f"{wheels[0]}/pip"]


def download(folder: pathlib.Path) -> None:
    pins = folder / "pins.txt"
    pins.write_text("".join(f"{name}=={VERSION} --hash=sha256:{digest}\n" for name, digest in WHEELS.items()))
    subprocess.run([*pip(), "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes",
                    "--retries", "5", "--dest", str(folder), "--requirement", str(pins)], check=True)


def unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    """Takes what the wheel would install into include/, lib/ and share/; of three equal copies of the library one."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            _, found, path = name.partition(".data/data/")
            if not found or name.endswith("/") or path.startswith("lib/") and path != f"lib/{LIBRARY}":
                continue
            to = folder / path
            to.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, to.open("wb") as target:
                shutil.copyfileobj(source, target)


def main() -> int:
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
        return 2 if len(sys.argv) > 2 else 0
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else root / "build/onednn"
    done = folder / "version.txt"
    if done.exists() and done.read_text() == VERSION:
        return 0
    if platform.machine() != "x86_64":
        raise SystemExit(f"fetch_onednn: there are no wheels for {platform.machine()}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        wheels, tree = pathlib.Path(work, "wheels"), pathlib.Path(work, "onednn")
        wheels.mkdir()
        download(wheels)
        for wheel in wheels.glob("*.whl"):
            unpack(wheel, tree)
        (tree / "lib/libdnnl.so").symlink_to(LIBRARY)
        (tree / "version.txt").write_text(VERSION)
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)  # all of it at once: a fetch that was stopped leaves nothing
    return 0


if __name__ == "__main__":
    sys.exit(main())
