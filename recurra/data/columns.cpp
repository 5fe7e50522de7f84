#include "recurra/data/columns.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/shape.h"
#include "recurra/base/shown.h"

namespace recurra {

std::size_t number_column(const CsvTable& table, const std::string& name) {
  const std::size_t index = table.index_of(name);
  if (table.columns[index].is_text) {
    throw Error(ErrorCode::invalid_argument,
                table.source + ": column " + shown(name),
                "numbers",
                "text, as " + shown(table.columns[index].texts.front()));
  }
  return index;
}

std::vector<std::size_t> number_columns(const CsvTable& table,
                                        const std::vector<std::string>& names,
                                        const std::vector<std::size_t>& except) {
  std::vector<std::size_t> columns;
  for (const std::string& name : names) columns.push_back(number_column(table, name));
  if (!names.empty()) return columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const bool wanted = std::ranges::find(except, i) == except.end();
    if (wanted && !table.columns[i].is_text) columns.push_back(i);
  }
  if (!columns.empty()) return columns;
  std::vector<std::size_t> all(table.columns.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  throw Error(ErrorCode::format,
              table.source,
              except.empty() ? "a column of numbers"
                             : "a column of numbers besides " + shown_list(names_of(table, except)),
              "columns " + shown_list(names_of(table, all)));
}

std::vector<std::string> names_of(const CsvTable& table, const std::vector<std::size_t>& columns) {
  std::vector<std::string> names;
  for (const std::size_t column : columns) names.push_back(table.columns[column].name);
  return names;
}

void copy_row(const CsvTable& table, const std::vector<std::size_t>& columns, i64 row, float* out) noexcept {
  for (const std::size_t column : columns) {
    *out++ = static_cast<float>(table.columns[column].numbers[static_cast<std::size_t>(row)]);
  }
}

void require_fair_padding(const std::string& source, i64 sequences, i64 longest, i64 rows) {
  constexpr i64 always_fine = i64{1} << 22;  // steps; 16 MiB a feature
  constexpr i64 most_times = 100;
  const i64 padded = checked_multiply(sequences, longest, source.c_str());
  if (padded <= always_fine || padded / most_times <= rows) return;
  throw Error(ErrorCode::format,
              source,
              "sequences that take at most 100 times their memory when padded to the longest",
              std::to_string(sequences) + " sequences of " + std::to_string(rows) +
                  " steps together, the longest of " + std::to_string(longest));
}

}  // namespace recurra
