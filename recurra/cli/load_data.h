/// Examples out of the files the options name.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "recurra/cli/data_description.h"
#include "recurra/cli/data_options.h"
#include "recurra/data/examples.h"

namespace recurra::cli {

/// What the examples are for.
enum class Purpose {
  train,     ///< mnist: the training set
  evaluate,  ///< mnist: the test set
  predict,   ///< targets may be absent; windows reach to the end of a series
};

/// Examples and what is to be known of them.
struct LoadedData {
  Examples examples{};
  DataDescription description{};
  std::string row_title = "example";     ///< what `row_names` are
  std::vector<std::string> row_names{};  ///< of each example, for people; empty: their numbers from 0
};

/// Reads them. `known`, of the training, numbers classes and tokens; null: the data themselves do.
///
/// Throws Error as kind_of and as the readers of recurra/data; format for a class that `known` does not have,
/// naming it and its place.
[[nodiscard]] LoadedData load_data(const DataOptions& options, Purpose purpose, const DataDescription* known);

/// The kinds of data, one each; options as kind_of let them pass.
[[nodiscard]] LoadedData load_sequences(const DataOptions& options,
                                        Purpose purpose,
                                        const DataDescription* known);
[[nodiscard]] LoadedData load_windows(const DataOptions& options,
                                      Purpose purpose,
                                      const DataDescription* known);
[[nodiscard]] LoadedData load_arrays(const DataOptions& options,
                                     Purpose purpose,
                                     const DataDescription* known);
[[nodiscard]] LoadedData load_text(const DataOptions& options, Purpose purpose, const DataDescription* known);

/// Arrays of an npz file. Throws as read_npz, and Error (unsupported) in a program built without libzip.
[[nodiscard]] std::vector<Tensor> read_npz_arrays(const std::filesystem::path& path,
                                                  const std::vector<std::string>& names);

}  // namespace recurra::cli
