/// Keras 3's table of a model's layers.
#include <algorithm>
#include <ostream>

#include "recurra/training/summary_rows.h"

namespace recurra {

namespace {

// Widths of the columns; one blank on each side of a text. Of 88 columns, cut at 45 % and 80 %, and of 108
// with what goes in, cut at 30 %, 56 % and 74 %.
const std::vector<std::size_t> chain_widths = {38, 29, 17};
const std::vector<std::size_t> graph_widths = {31, 27, 17, 28};
constexpr std::size_t count_column = 2;

/// The lines between rows, and the rows themselves.
class Frame {
 public:
  Frame(std::ostream& out, const std::vector<std::size_t>& widths) : out_(out), widths_(widths) {}

  void rule(const char* left, const char* line, const char* cross, const char* right) {
    for (std::size_t c = 0; c < widths_.size(); ++c) {
      out_ << (c == 0 ? left : cross);
      for (std::size_t i = 0; i < widths_[c]; ++i) out_ << line;
    }
    out_ << right << '\n';
  }

  void row(const std::vector<std::string>& cells, const char* bar);

 private:
  std::ostream& out_;
  const std::vector<std::size_t>& widths_;
};

/// Words in lines of at most `width`; a longer word is cut.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    std::string word = text.substr(at, end - at);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    for (; word.size() > width; word.erase(0, width)) {
      lines.back() = word.substr(0, width);
      lines.emplace_back();
    }
    lines.back() += word;
    at = end + 1;
  }
  return lines;
}

void Frame::row(const std::vector<std::string>& cells, const char* bar) {
  std::vector<std::vector<std::string>> lines;
  std::size_t height = 1;
  for (std::size_t c = 0; c < widths_.size(); ++c) {
    lines.push_back(wrapped(cells[c], widths_[c] - 2));
    height = std::max(height, lines[c].size());
  }
  for (std::size_t i = 0; i < height; ++i) {
    out_ << bar;
    for (std::size_t c = 0; c < widths_.size(); ++c) {
      const std::string text = i < lines[c].size() ? lines[c][i] : "";
      const std::string blanks(widths_[c] - 2 - text.size(), ' ');
      out_ << ' ' << (c == count_column ? blanks + text : text + blanks) << ' ' << bar;
    }
    out_ << '\n';
  }
}

std::string with_commas(i64 value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string connections_text(const std::vector<std::string>& connections) {
  std::string text;
  for (const std::string& one : connections) text.append(text.empty() ? "" : ", ").append(one);
  return text.empty() ? "-" : text;
}

void write_totals(std::ostream& out, const SummaryTable& table) {
  const i64 all = table.parameters();
  const i64 trainable = table.trainable();
  // Keras counts the optimizer's step number, 8 bytes, and learning rate, 4 bytes, beside its slots.
  const bool optimized = table.built && table.slots_per_parameter >= 0;
  const i64 slots = optimized ? table.slots_per_parameter * trainable : 0;
  const i64 variables = optimized ? 2 + slots : 0;
  const i64 optimizer_bytes = optimized ? 12 + slots * 4 : 0;
  const auto line = [&](const char* label, i64 count, i64 bytes) {
    out << ' ' << label << ": " << with_commas(count) << ' ' << size_text(bytes, "B") << '\n';
  };
  line("Total params", all + variables, all * 4 + optimizer_bytes);
  line("Trainable params", trainable, trainable * 4);
  line("Non-trainable params", all - trainable, (all - trainable) * 4);
  if (optimized) line("Optimizer params", variables, optimizer_bytes);
}

}  // namespace

void write_keras3(std::ostream& out, const SummaryTable& table) {
  Frame frame(out, table.chain ? chain_widths : graph_widths);
  out << "Model: \"" << table.name << "\"\n";
  frame.rule("┏", "━", "┳", "┓");
  frame.row({"Layer (type)", "Output Shape", "Param #", "Connected to"}, "┃");
  frame.rule("┡", "━", "╇", "┩");
  for (const SummaryRow& row : table.rows) {
    if (&row != table.rows.data()) frame.rule("├", "─", "┼", "┤");
    const std::string count = table.built ? with_commas(row.parameters) : "0 (unbuilt)";
    const std::string shape = table.built ? list_text(row.shapes, false) : "?";
    frame.row({row.layer, shape, count, connections_text(row.connections)}, "│");
  }
  frame.rule("└", "─", "┴", "┘");
  write_totals(out, table);
}

}  // namespace recurra
