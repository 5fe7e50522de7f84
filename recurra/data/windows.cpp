#include "recurra/data/windows.h"

#include "recurra/base/error.h"
#include "recurra/data/columns.h"

namespace recurra {

namespace {

void require_from_one(const char* name, i64 value) {
  if (value >= 1) return;
  throw Error(ErrorCode::invalid_argument, name, "from 1 up", std::to_string(value));
}

/// Rows `first` to `first + count` of the columns, row after row.
float* copy_rows(
    const CsvTable& table, const std::vector<std::size_t>& columns, i64 first, i64 count, float* out) {
  for (i64 row = first; row < first + count; ++row, out += columns.size()) copy_row(table, columns, row, out);
  return out;
}

}  // namespace

WindowData make_windows(const CsvTable& table, const WindowOptions& options) {
  require_from_one("window", options.window);
  require_from_one("horizon", options.horizon);
  const std::vector<std::size_t> features = number_columns(table, options.features);
  const std::vector<std::size_t> targets =
      options.targets.empty() ? features : number_columns(table, options.targets);
  const i64 rows = table.rows();
  if (options.window > rows || options.horizon > rows - options.window) {
    // In unsigned arithmetic, as the sum of any two of them fits.
    const auto least =
        static_cast<std::uint64_t>(options.window) + static_cast<std::uint64_t>(options.horizon);
    throw Error(ErrorCode::format,
                table.source,
                "at least " + std::to_string(least) + " rows for window " + std::to_string(options.window) +
                    " and horizon " + std::to_string(options.horizon),
                std::to_string(rows));
  }
  const i64 count = rows - options.window - options.horizon + 1;
  WindowData data{Tensor({count, options.window, static_cast<i64>(features.size())}),
                  Tensor({count, options.horizon * static_cast<i64>(targets.size())}),
                  names_of(table, features),
                  names_of(table, targets)};
  float* x = data.x.data();
  float* y = data.y.data();
  for (i64 i = 0; i < count; ++i) {
    x = copy_rows(table, features, i, options.window, x);
    y = copy_rows(table, targets, i + options.window, options.horizon, y);
  }
  return data;
}

}  // namespace recurra
