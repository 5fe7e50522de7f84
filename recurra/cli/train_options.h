/// The options of recurra train.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "recurra/cli/commands.h"
#include "recurra/cli/data_description.h"
#include "recurra/cli/data_options.h"
#include "recurra/cli/model_options.h"

namespace recurra::cli {

/// As given; empty: not given.
struct TrainOptions {
  DataOptions data{};
  std::string validation{};  ///< a file or a fraction
  std::string validation_labels{};
  ModelOptions model{};
  std::string class_weight{};
  i64 batch_size = 64;
  i64 epochs = 1;
  i64 seed = 0;
  bool shuffle = true;
  int threads = 0;
  std::string save{};
  std::string checkpoint{};
  std::optional<double> checkpoint_minutes{};
  i64 checkpoint_epochs = 1;
  i64 keep = 3;
  std::string resume{};
  bool quiet = false;
};

void add_train_options(CLI::App& command, TrainOptions& options);

/// The fraction --validation gives; nothing for a file. Throws CLI::ValidationError for a number outside
/// (0, 1).
[[nodiscard]] std::optional<double> validation_fraction(const TrainOptions& options);

/// The options under which --validation's file is read.
[[nodiscard]] DataOptions validation_data(const TrainOptions& options, const DataDescription& training);

/// `0=1,1=5` by number or name of the class. Throws Error (invalid_argument).
[[nodiscard]] std::map<int, double> parse_class_weight(const std::string& text, const DataDescription& data);

/// Files that are read, which nothing may be written to.
[[nodiscard]] std::vector<std::string> inputs_of(const TrainOptions& options);

}  // namespace recurra::cli
