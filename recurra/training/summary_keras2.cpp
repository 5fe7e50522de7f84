/// Keras 2's table of a model's layers.
#include <algorithm>
#include <array>
#include <ostream>

#include "recurra/training/summary_rows.h"

namespace recurra {

namespace {

constexpr std::size_t width = 65;
// Where columns end: at 45 %, 85 % and all of the width.
constexpr std::array<std::size_t, 3> ends = {29, 55, width};
// What a column shows in a line: two blanks stand behind it, one before the first. Longer texts go on below.
constexpr std::array<std::size_t, 3> shown = {26, 24, 10};

void write_row(std::ostream& out, std::array<std::string, 3> cells) {
  do {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (c == 0) line += ' ';
      line += cells[c].substr(0, shown[c]);
      line.resize(ends[c], ' ');
      cells[c].erase(0, shown[c]);
    }
    out << line << '\n';
  } while (std::ranges::any_of(cells, [](const std::string& cell) { return !cell.empty(); }));
}

}  // namespace

void write_keras2(std::ostream& out, const Sequential& model, std::span<const SummaryRow> rows) {
  const std::string thin(width, '_');
  const std::string thick(width, '=');
  out << "Model: \"" << model.name() << "\"\n" << thin << '\n';
  write_row(out, {"Layer (type)", "Output Shape", "Param #"});
  out << thick << '\n';
  i64 all = 0;
  i64 trainable = 0;
  for (const SummaryRow& row : rows) {
    const std::string count = model.built() ? std::to_string(row.parameters) : "0 (unused)";
    write_row(out, {row.layer, row.shape, count});
    write_row(out, {});
    all += row.parameters;
    trainable += row.trainable;
  }
  out << thick << '\n';
  const auto line = [&](const char* label, i64 count) {
    out << label << ": " << count << ' ' << size_text(count * 4, "Byte") << '\n';
  };
  line("Total params", all);
  line("Trainable params", trainable);
  line("Non-trainable params", all - trainable);
  out << thin << '\n';
}

}  // namespace recurra
