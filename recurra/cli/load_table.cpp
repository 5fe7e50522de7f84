/// Sequences and windows from CSV files.
#include <algorithm>
#include <array>
#include <charconv>

#include "recurra/base/error.h"
#include "recurra/cli/load_data.h"
#include "recurra/data/csv.h"
#include "recurra/data/sequences.h"
#include "recurra/data/windows.h"

namespace recurra::cli {

namespace {

CsvTable read_table(const DataOptions& options, const DataDescription* known) {
  CsvOptions csv;
  csv.separator = 0;  // found in the first line
  if (known == nullptr || !known->target_is_text) return read_csv(options.data, csv);
  csv.text_columns = options.targets;
  try {
    return read_csv(options.data, csv);
  } catch (const Error& error) {
    // A table to predict from need not have the target.
    if (error.code() != ErrorCode::invalid_argument) throw;
    csv.text_columns.clear();
    return read_csv(options.data, csv);
  }
}

bool has_column(const CsvTable& table, const std::string& name) {
  return std::ranges::find(table.columns, name, &CsvColumn::name) != table.columns.end();
}

std::string text_of(const CsvColumn& column, std::size_t row) {
  if (column.is_text) return column.texts[row];
  std::array<char, 32> digits{};
  return {digits.data(),
          std::to_chars(digits.data(), digits.data() + digits.size(), column.numbers[row]).ptr};
}

/// The id of each sequence, whose rows stand together.
std::vector<std::string> sequence_names(const CsvTable& table, const SequenceData& data, std::size_t column) {
  std::vector<std::string> names;
  std::size_t row = 0;
  for (const int length : data.lengths) {
    names.push_back(text_of(table.columns[column], row));
    row += static_cast<std::size_t>(length);
  }
  return names;
}

std::string target_kind_of(const CsvTable& table, const DataOptions& options) {
  if (!options.target_kind.empty() || options.targets.empty()) return options.target_kind;
  return table.columns[table.index_of(options.targets[0])].is_text ? "class" : "number";
}

TargetKind parse_kind(const std::string& name) {
  if (name == "number") return TargetKind::number;
  if (name == "class-per-step") return TargetKind::label_per_step;
  return name == "number-per-step" ? TargetKind::number_per_step : TargetKind::label;
}

SequenceOptions sequence_options(const DataOptions& options,
                                 const DataDescription& description,
                                 const DataDescription* known) {
  if (options.targets.size() > 1) {
    throw Error(ErrorCode::invalid_argument,
                "--target",
                "one column with --sequence",
                std::to_string(options.targets.size()));
  }
  SequenceOptions sequence;
  sequence.sequence = options.sequence;
  sequence.features = options.features;
  sequence.kind = parse_kind(description.target_kind);
  if (!options.targets.empty()) sequence.target = options.targets[0];
  if (known != nullptr) sequence.class_names = known->class_names;
  return sequence;
}

/// The line on which each window ends.
std::vector<std::string> last_lines(const CsvTable& table, i64 window) {
  std::vector<std::string> lines;
  for (i64 row = window - 1; row < table.rows(); ++row)
    lines.push_back(std::to_string(table.lines[static_cast<std::size_t>(row)]));
  return lines;
}

/// So many windows more that the last one ends with the table.
CsvTable extended(CsvTable table, i64 window, i64 horizon) {
  if (table.rows() < window) {
    throw Error(ErrorCode::format,
                table.source,
                "at least " + std::to_string(window) + " rows for window " + std::to_string(window),
                std::to_string(table.rows()));
  }
  for (i64 i = 0; i < horizon; ++i) {
    table.lines.push_back(table.lines.back());
    for (CsvColumn& column : table.columns) {
      if (column.is_text) column.texts.push_back(column.texts.back());
      if (!column.is_text) column.numbers.push_back(column.numbers.back());
    }
  }
  return table;
}

}  // namespace

LoadedData load_sequences(const DataOptions& given, Purpose purpose, const DataDescription* known) {
  DataOptions options = given;
  const CsvTable table = read_table(options, known);
  LoadedData data;
  DataDescription& description = data.description;
  description.kind = DataKind::sequences;
  description.sequence = options.sequence;
  description.targets = options.targets;
  if (purpose == Purpose::predict && !options.targets.empty() && !has_column(table, options.targets[0]))
    options.targets.clear();
  description.target_kind = target_kind_of(table, options);
  SequenceData made = make_sequences(table, sequence_options(options, description, known));
  data.row_title = options.sequence;
  data.row_names = sequence_names(table, made, table.index_of(options.sequence));
  description.features = std::move(made.feature_names);
  description.class_names = std::move(made.class_names);
  description.classes = static_cast<i64>(description.class_names.size());
  description.outputs = description.classes > 0 ? description.classes : 1;
  if (!options.targets.empty())
    description.target_is_text = table.columns[table.index_of(options.targets[0])].is_text;
  data.examples.x = std::move(made.x);
  data.examples.y = std::move(made.y);
  data.examples.lengths = std::move(made.lengths);
  return data;
}

LoadedData load_windows(const DataOptions& options, Purpose purpose, const DataDescription* known) {
  CsvTable table = read_table(options, known);
  const i64 horizon = std::max<i64>(options.horizon, 1);
  LoadedData data;
  data.row_names = last_lines(table, options.window);
  if (purpose == Purpose::predict) table = extended(std::move(table), options.window, horizon);
  WindowData made = make_windows(table, {options.window, horizon, options.features, options.targets});
  data.row_title = "line";
  data.row_names.resize(static_cast<std::size_t>(made.x.shape()[0]));
  DataDescription& description = data.description;
  description.kind = DataKind::windows;
  description.target_kind = "number";
  description.features = std::move(made.feature_names);
  description.targets = std::move(made.target_names);
  description.outputs = made.y.shape()[1];
  description.window = options.window;
  description.horizon = horizon;
  data.examples.x = std::move(made.x);
  if (purpose != Purpose::predict) data.examples.y = std::move(made.y);
  return data;
}

}  // namespace recurra::cli
