#!/bin/sh
# build.sh OUTPUT [FLAGS of pkg-config]: the consumer, by the compiler $CXX and what pkg-config says of recurra.
set -eu
output=$1
shift
# shellcheck disable=SC2046  # words on purpose
${CXX:-c++} -std=c++20 $(pkg-config --cflags recurra) "$(dirname -- "$0")/../main.cpp" -o "$output" \
  $(pkg-config --libs "$@" recurra | sed "${LIBRARY_EDIT-}")
