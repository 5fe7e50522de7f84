/// The part of a model file that training needs, as data and as JSON. Not for users of the library.
///
/// Private to the library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/training/run_state.h"

namespace recurra {

/// What compile was given, and how many steps the optimizer has taken.
struct CompileRecord {
  std::string optimizer;  ///< JSON, Optimizer::config
  std::string loss;       ///< JSON, Loss::config
  std::vector<std::string> metrics;
  std::vector<std::string> weighted_metrics;
  i64 iterations = 0;
};

/// All but the tensors.
struct TrainingRecord {
  std::uint64_t seed = 0;
  i64 epochs_done = 0;
  i64 updates_done = 0;
  std::optional<CompileRecord> compiled{};
  std::optional<RunState> run{};  ///< a fit that has not come to its end
};

/// What parse_training_record reads.
[[nodiscard]] nlohmann::json to_json(const TrainingRecord& record);

/// Throws Error (format), subject `subject`, for anything that to_json does not write.
[[nodiscard]] TrainingRecord parse_training_record(const nlohmann::json& json, const std::string& subject);

}  // namespace recurra
