/// Keras 2's table of a model's layers.
#include <algorithm>
#include <array>
#include <ostream>

#include "recurra/training/summary_rows.h"

namespace recurra {

namespace {

/// Where columns end, and what a column shows in a line: two blanks stand behind it, one before the first.
struct Layout {
  std::vector<std::size_t> ends;
  std::vector<std::size_t> shown;

  [[nodiscard]] std::size_t width() const noexcept { return ends.back(); }
};

// At 45 %, 85 % and all of 65 columns.
const Layout chain_layout = {{29, 55, 65}, {26, 24, 10}};
// At 30 %, 60 %, 70 % and all of 98 columns.
const Layout graph_layout = {{29, 58, 68, 98}, {26, 27, 8, 30}};

/// How much of a text a line has: no more than `most`, and of a list one entry.
std::size_t line_length(const std::string& text, std::size_t most) {
  std::size_t length = std::min(most, text.size());
  for (const char* end : {"),", "',"}) {
    const std::size_t found = text.find(end);
    if (found != std::string::npos && found + 2 <= most) length = std::min(length, found + 2);
  }
  return length;
}

/// Longer texts go on below.
void write_row(std::ostream& out, const Layout& layout, std::vector<std::string> cells) {
  cells.resize(layout.ends.size());
  do {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (c == 0) line += ' ';
      const std::size_t length = line_length(cells[c], layout.shown[c]);
      line += cells[c].substr(0, length);
      line.resize(layout.ends[c], ' ');
      cells[c].erase(0, length);
    }
    out << line << '\n';
  } while (std::ranges::any_of(cells, [](const std::string& cell) { return !cell.empty(); }));
}

std::string connections_text(const SummaryRow& row) {
  if (row.is_input) return "[]";
  std::vector<std::string> quoted;
  for (const std::string& one : row.connections) quoted.push_back("'" + one + "'");
  return list_text(quoted, true);
}

}  // namespace

void write_keras2(std::ostream& out, const SummaryTable& table) {
  const Layout& layout = table.chain ? chain_layout : graph_layout;
  const std::string thin(layout.width(), '_');
  const std::string thick(layout.width(), '=');
  out << "Model: \"" << table.name << "\"\n" << thin << '\n';
  write_row(out, layout, {"Layer (type)", "Output Shape", "Param #", "Connected to"});
  out << thick << '\n';
  for (const SummaryRow& row : table.rows) {
    const std::string count = table.built ? std::to_string(row.parameters) : "0 (unused)";
    const std::string shape = table.built ? list_text(row.shapes, row.is_input) : "?";
    write_row(out, layout, {row.layer, shape, count, connections_text(row)});
    write_row(out, layout, {});
  }
  out << thick << '\n';
  const auto line = [&](const char* label, i64 count) {
    out << label << ": " << count << ' ' << size_text(count * 4, "Byte") << '\n';
  };
  line("Total params", table.parameters());
  line("Trainable params", table.trainable());
  line("Non-trainable params", table.parameters() - table.trainable());
  out << thin << '\n';
}

}  // namespace recurra
