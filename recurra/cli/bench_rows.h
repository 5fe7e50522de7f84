/// Rows of a benchmark: a stack of recurrent layers, its sizes, and what is done with it.
#pragma once

#include <string>

#include "recurra/base/platform.h"

namespace recurra::cli {

struct RowOptions {
  std::string path;      ///< JSON list of rows
  std::string only;      ///< those whose name has a match of this POSIX extended regular expression
  double seconds = 0.6;  ///< for each row
  int threads = 0;       ///< 0: those of the process
  bool json = false;     ///< a JSON line for each, else a table
};

/// Times the rows of a file and prints them. A row that cannot be run prints an error in its place. Throws
/// Error on a file that is no list, and on `only`.
void bench_rows(const RowOptions& options);

}  // namespace recurra::cli
