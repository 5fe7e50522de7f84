#!/bin/sh
# The engine and the RNN primitive on a processor without our vector kernels: built for 64-bit ARM, tested under emulation.
set -eu

usage() {
  cat <<'TEXT'
usage: tools/aarch64.sh [ctest's arguments]

Installs a cross compiler, qemu and GoogleTest's sources (as root, or with sudo), builds base, the scalar kernels, cells,
the engine and the RNN primitive for aarch64 in build/aarch64, and runs their tests under qemu-aarch64: some six minutes
on two cores.
Exit status: ctest's; 1 building failed (the log is named), 2 packages are missing and only you can install them.
TEXT
}

case ${1-} in
  -h | --help) usage; exit 0 ;;
esac

cd -- "$(dirname -- "$0")/.."
root=$(pwd -P)
logs=$root/build
mkdir -p "$logs"
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

configure() {
  cmake -S . -B build/aarch64 -G Ninja -DCMAKE_TOOLCHAIN_FILE="$root/cmake/aarch64-linux-gnu.cmake" \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DRECURRA_ENGINE_ONLY=ON -DRECURRA_TESTS=ON -DRECURRA_WERROR=ON \
    -DRECURRA_GTEST_SOURCE=/usr/src/googletest
}

build() { cmake --build build/aarch64 -j "$(processors)"; }

rm -f "$logs/aarch64.log"
require_packages "cmake ninja-build g++-aarch64-linux-gnu qemu-user googletest"
phase "aarch64: configuring" aarch64.log configure
phase "aarch64: building" aarch64.log build
# A death test starts its own program, which this machine cannot without qemu; qemu shows the facts of this machine's
# processor, which one test compares with; and it fails itself when a forked child starts a thread.
GTEST_FILTER="-*DeathTest.*:TargetsTest.the_supported_targets_are_the_ones_the_system_lists:TeamFork*"
export GTEST_FILTER
exec ctest --test-dir build/aarch64 --output-on-failure "$@"
