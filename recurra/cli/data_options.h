/// The options that say where examples come from, and what is to be made of them.
#pragma once

#include <string>
#include <vector>

#include "recurra/cli/commands.h"
#include "recurra/cli/data_description.h"

namespace recurra::cli {

/// As given; empty or 0: not given.
struct DataOptions {
  std::string data = "mnist";
  std::string folder = "data/mnist";
  std::string labels{};
  std::string x{};
  std::string y{};
  std::string sequence{};
  std::vector<std::string> targets{};
  std::vector<std::string> features{};
  std::string target_kind{};
  i64 window = 0;
  i64 horizon = 0;
  std::string text{};
};

/// Adds them to a command.
void add_data_options(CLI::App& command, DataOptions& options);

/// Fills in what was not given from what the model was trained on. Throws Error (invalid_argument) where data
/// of another kind were given.
[[nodiscard]] DataOptions completed(const DataOptions& options, const DataDescription& known);

/// What the options ask for. Throws Error: unsupported for data of no kind there is, invalid_argument for an
/// option that data of this kind do not have, and for one of theirs that is missing.
[[nodiscard]] DataKind kind_of(const DataOptions& options);

/// The files that will be read.
[[nodiscard]] std::vector<std::string> files_of(const DataOptions& options);

/// Whether a file name ends so, in any case: `ends_in("A.CSV", ".csv")`.
[[nodiscard]] bool ends_in(const std::string& name, const char* ending);

}  // namespace recurra::cli
