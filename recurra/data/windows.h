/// Training examples from one long series: a window of it, and what comes next.
#pragma once

#include <string>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"
#include "recurra/data/csv.h"

namespace recurra {

/// How windows are cut from a series.
struct WindowOptions {
  i64 window = 24;                      ///< > 0, steps the model sees
  i64 horizon = 1;                      ///< > 0, steps to foretell
  std::vector<std::string> features{};  ///< columns the model sees; empty: all of numbers
  std::vector<std::string> targets{};   ///< columns to foretell; empty: the features
};

/// Examples cut from a series, and the names of their columns.
struct WindowData {
  Tensor x;  ///< f32 (count, window, features); count = rows - window - horizon + 1
  Tensor y;  ///< f32 (count, horizon * targets): the targets of the first step behind the window, then of the
             ///< second, …
  std::vector<std::string> feature_names;
  std::vector<std::string> target_names;
};

/// All windows of a table whose rows are the steps of one series, in order.
///
/// Throws Error: invalid_argument (a column that is not there or is text, a window or horizon below 1),
/// format (fewer rows than one window and its horizon, no column of numbers).
[[nodiscard]] RECURRA_API WindowData make_windows(const CsvTable& table, const WindowOptions& options);

}  // namespace recurra
