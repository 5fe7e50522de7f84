#!/usr/bin/env python3
"""Builds tiny projects against an installation, as a user would: run.py SOURCE_FOLDER BUILD_FOLDER [TEST...].

The build folder must hold both kinds of the library, built. Nothing is built there.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
HERE = SOURCE / "tests" / "consumer"
EXPECTED = "shape (2, 2)\npacks\nerror\n"


def run(*command, **environment):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env={**os.environ, "RECURRA_THREADS": "1", **environment})
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def cached(name):
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", (BUILD / "CMakeCache.txt").read_text(encoding="utf-8"), re.M)
    return found[1] if found else ""


def header_version():
    text = (SOURCE / "recurra/base/version.h").read_text(encoding="utf-8")
    return ".".join(re.search(rf"RECURRA_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def needed(program):
    """The shared libraries a program asks for."""
    return re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", program))


class Consumer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        run("cmake", "--install", BUILD, "--prefix", cls.path / "first")
        # Installed somewhere, then moved: no file may know the first place.
        cls.prefix = (cls.path / "first").rename(cls.path / "moved")
        cls.libraries = next(cls.prefix.rglob("librecurra.a")).parent

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def build(self, project, *definitions):
        """Configures and builds without optimisation, which leaves no call of an inline function out."""
        out = self.path / "-".join(["build", project, *definitions]).replace("=", "").replace("/", "")
        run("cmake", "-S", HERE / project, "-B", out, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}", "-DCMAKE_BUILD_TYPE=Debug",
            f"-DCMAKE_CXX_COMPILER_LAUNCHER={cached('CMAKE_CXX_COMPILER_LAUNCHER')}", "-DCMAKE_CXX_FLAGS_DEBUG=-O0",
            *(f"-D{definition}" for definition in definitions))
        run("cmake", "--build", out)
        return out / "consumer"

    def check(self, program, **environment):
        words = f"header {header_version()} library {header_version()} threads 1\n"
        self.assertEqual(run(program, **environment), words + EXPECTED)

    def test_find_package(self):
        for kind in ("static", "shared"):
            with self.subTest(kind):
                program = self.build("find_package", f"KIND={kind}")
                self.check(program)
                shared = [name for name in needed(program) if "recurra" in name]
                soname = f"librecurra.so.{header_version().rpartition('.')[0]}"
                self.assertEqual(shared, [soname] if kind == "shared" else [])

    def test_find_package_without_a_kind_takes_the_one_it_was_built_as(self):
        self.assertEqual([name for name in needed(self.build("find_package")) if "recurra" in name], [])

    def test_find_package_refuses_another_minor_version_and_an_unknown_kind(self):
        with self.assertRaisesRegex(AssertionError, "dynamic"):
            self.build("find_package", "KIND=dynamic")
        for version, fits in (("0.0", False), ("0.1", True), ("0.2", False), ("1.0", False)):
            project = self.path / f"version-{version}"
            project.mkdir()
            (project / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(version LANGUAGES CXX)\n"
                f"find_package(recurra {version} QUIET)\nfile(WRITE found \"${{recurra_FOUND}}\")\n", encoding="utf-8")
            run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
            self.assertEqual((project / "found").read_text(encoding="utf-8") in ("1", "TRUE"), fits, version)

    def test_pkg_config(self):
        environment = {"PKG_CONFIG_PATH": str(self.libraries / "pkgconfig"), "CXX": cached("CMAKE_CXX_COMPILER")}
        self.assertEqual(run("pkg-config", "--modversion", "recurra", **environment).strip(), header_version())
        run(HERE / "pkg_config/build.sh", self.path / "shared", **environment)
        self.check(self.path / "shared", LD_LIBRARY_PATH=str(self.libraries))
        # Where both lie side by side, the linker takes the shared one unless told.
        run(HERE / "pkg_config/build.sh", self.path / "static", "--static",
            LIBRARY_EDIT="s/-lrecurra/-l:librecurra.a/", **environment)
        self.check(self.path / "static")

    def test_add_subdirectory(self):
        program = self.build("add_subdirectory", "RECURRA_ENGINE_ONLY=ON")
        self.assertEqual(run(program), f"{header_version()} state 1 -1 0\n")
        # The whole library is configured only: building it takes a minute.
        out = self.path / "whole"
        run("cmake", "-S", HERE / "add_subdirectory", "-B", out, "-G", "Ninja",
            f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        commands = json.loads((out / "compile_commands.json").read_text(encoding="utf-8"))
        files = " ".join(command["file"] for command in commands)
        self.assertIn("/training/sequential.cpp", files)
        for ours_alone in ("/cli/", "_test.cpp", "/examples/"):
            self.assertNotIn(ours_alone, files)

    def test_installation_has_a_program_that_runs(self):
        self.assertEqual(run(self.prefix / "bin/recurra", "--version"), f"recurra {header_version()}\n")

    def test_installation_has_every_header_that_its_headers_include(self):
        root = self.prefix / "include"
        for header in root.rglob("*.h"):
            for name in re.findall(r'^#include "(.*)"', header.read_text(encoding="utf-8"), re.M):
                self.assertTrue((root / name).is_file(), f"{header} includes {name}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
