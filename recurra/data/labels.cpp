#include "recurra/data/labels.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/base/shown.h"

namespace recurra {

namespace {

std::vector<std::string> sorted_classes(const CsvColumn& column) {
  if (column.is_text) {
    const std::set<std::string> sorted(column.texts.begin(), column.texts.end());
    return {sorted.begin(), sorted.end()};
  }
  const std::set<double> sorted(column.numbers.begin(), column.numbers.end());
  std::vector<std::string> names;
  for (const double number : sorted) names.push_back(shortest(number));
  return names;
}

}  // namespace

Labels number_classes(const CsvTable& table,
                      const std::string& name,
                      const std::vector<std::string>& class_names) {
  const std::size_t index = table.index_of(name);
  const CsvColumn& column = table.columns[index];
  Labels labels{Tensor({table.rows()}, Dtype::i32), class_names};
  if (class_names.empty()) labels.class_names = sorted_classes(column);
  std::map<std::string, std::int32_t> ids;
  for (const std::string& known : labels.class_names)
    ids.emplace(known, static_cast<std::int32_t>(ids.size()));
  for (std::size_t row = 0; row < table.lines.size(); ++row) {
    const std::string text = column.is_text ? column.texts[row] : shortest(column.numbers[row]);
    const auto found = ids.find(text);
    if (text.empty() || found == ids.end()) {
      throw Error(ErrorCode::format,
                  table.place(static_cast<i64>(row), index),
                  class_names.empty() ? "the name of a class" : "one of " + shown_list(class_names),
                  text.empty() ? "an empty cell" : shown(text));
    }
    labels.ids.as<std::int32_t>()[row] = found->second;
  }
  return labels;
}

}  // namespace recurra
