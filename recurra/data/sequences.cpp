#include "recurra/data/sequences.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <unordered_set>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"
#include "recurra/data/columns.h"
#include "recurra/data/labels.h"

namespace recurra {

namespace {

/// Rows `first` to `first + steps` of a table.
struct Run {
  i64 first = 0;
  i64 steps = 0;
};

bool is_per_step(TargetKind kind) {
  return kind == TargetKind::label_per_step || kind == TargetKind::number_per_step;
}

bool is_label(TargetKind kind) {
  return kind == TargetKind::label || kind == TargetKind::label_per_step;
}

[[noreturn]] void refuse_return(const CsvTable& table, i64 row, std::size_t column) {
  const CsvColumn& ids = table.columns[column];
  const auto index = static_cast<std::size_t>(row);
  throw Error(ErrorCode::format,
              table.place(row, column),
              "the rows of a sequence together",
              (ids.is_text ? shown(ids.texts[index]) : std::to_string(ids.numbers[index])) + " again");
}

/// Runs of equal ids, none of which comes twice.
template <class Id>
std::vector<Run> runs_of(const CsvTable& table, std::size_t column, const std::vector<Id>& ids) {
  std::vector<Run> runs;
  std::unordered_set<Id> seen;
  for (i64 row = 0; row < table.rows(); ++row) {
    const auto index = static_cast<std::size_t>(row);
    if (row == 0 || ids[index] != ids[index - 1]) {
      if (!seen.insert(ids[index]).second) refuse_return(table, row, column);
      runs.push_back({row, 0});
    }
    ++runs.back().steps;
  }
  return runs;
}

std::vector<Run> runs_of(const CsvTable& table, std::size_t column) {
  const CsvColumn& ids = table.columns[column];
  return ids.is_text ? runs_of(table, column, ids.texts) : runs_of(table, column, ids.numbers);
}

/// The target of a whole sequence.
template <class T>
T target_of(
    const CsvTable& table, std::size_t column, const Run& run, TargetRow which, std::span<const T> values) {
  const auto rows = values.subspan(static_cast<std::size_t>(run.first), static_cast<std::size_t>(run.steps));
  if (which == TargetRow::last) return rows.back();
  const auto other = std::ranges::find_if(rows, [&](T value) { return value != rows.front(); });
  if (other == rows.end()) return rows.front();
  throw Error(ErrorCode::format,
              table.place(run.first + (other - rows.begin()), column),
              "the target of the rows before, which are of the same sequence",
              "another");
}

/// y of labels (T: i32) or numbers (T: float) from a value each row.
template <class T>
Tensor make_targets(const CsvTable& table,
                    const SequenceOptions& options,
                    const std::vector<Run>& runs,
                    i64 longest,
                    std::span<const T> values) {
  Shape shape{static_cast<i64>(runs.size())};
  std::vector<i64> extents = shape.extents();
  if (is_per_step(options.kind)) extents.push_back(longest);
  if (!is_label(options.kind)) extents.push_back(1);
  Tensor y(Shape(extents), dtype_of<T>);
  const std::size_t column = table.index_of(options.target);
  T* out = y.as<T>().data();
  for (const Run& run : runs) {
    if (is_per_step(options.kind)) {
      std::copy_n(values.begin() + run.first, run.steps, out);
      out += longest;
    } else {
      *out++ = target_of(table, column, run, options.target_row, values);
    }
  }
  return y;
}

void set_targets(const CsvTable& table,
                 const SequenceOptions& options,
                 const std::vector<Run>& runs,
                 SequenceData& data) {
  const i64 longest = data.x.shape()[1];
  if (is_label(options.kind)) {
    Labels labels = number_classes(table, options.target, options.class_names);
    data.y = make_targets(
        table, options, runs, longest, std::span<const std::int32_t>(labels.ids.as<std::int32_t>()));
    data.class_names = std::move(labels.class_names);
    return;
  }
  const std::vector<double>& numbers = table.columns[number_column(table, options.target)].numbers;
  const std::vector<float> values(numbers.begin(), numbers.end());
  data.y = make_targets(table, options, runs, longest, std::span<const float>(values));
}

}  // namespace

SequenceData make_sequences(const CsvTable& table, const SequenceOptions& options) {
  const std::size_t id = table.index_of(options.sequence);
  std::vector<std::size_t> except{id};
  if (!options.target.empty()) except.push_back(table.index_of(options.target));
  const std::vector<std::size_t> columns = number_columns(table, options.features, except);
  const std::vector<Run> runs = runs_of(table, id);
  const i64 longest = runs.empty() ? 0 : std::ranges::max(runs, {}, &Run::steps).steps;
  const auto sequences = static_cast<i64>(runs.size());
  const auto features = static_cast<i64>(columns.size());
  require_fair_padding(table.source, sequences, longest, table.rows());

  SequenceData data{Tensor({sequences, longest, features}), {}, {}, names_of(table, columns), {}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    float* out = data.x.data() + static_cast<i64>(i) * longest * features;
    for (i64 step = 0; step < runs[i].steps; ++step) {
      copy_row(table, columns, runs[i].first + step, out + step * features);
    }
    data.lengths.push_back(static_cast<int>(runs[i].steps));
  }
  if (!options.target.empty()) set_targets(table, options, runs, data);
  return data;
}

}  // namespace recurra
