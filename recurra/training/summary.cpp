/// Keras 3's table of a model's layers.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "recurra/training/sequential.h"
#include "recurra/training/summary_rows.h"

namespace recurra {

namespace {

// Keras's 88 columns, cut at 45 % and 80 %; one blank on each side of a text.
constexpr std::array<std::size_t, 3> widths = {38, 29, 17};

std::string repeated(const char* text, std::size_t count) {
  std::string line;
  for (std::size_t i = 0; i < count; ++i) line += text;
  return line;
}

std::string rule(const char* left, const char* line, const char* cross, const char* right) {
  std::string text = left;
  text.append(repeated(line, widths[0])).append(cross).append(repeated(line, widths[1])).append(cross);
  return text.append(repeated(line, widths[2])).append(right);
}

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

void write_row(std::ostream& out, const std::array<std::string, 3>& cells, const char* bar) {
  std::array<std::vector<std::string>, 3> lines;
  std::size_t height = 1;
  for (std::size_t c = 0; c < 3; ++c) {
    lines[c] = wrapped(cells[c], widths[c] - 2);
    height = std::max(height, lines[c].size());
  }
  for (std::size_t i = 0; i < height; ++i) {
    out << bar;
    for (std::size_t c = 0; c < 3; ++c) {
      const std::string text = i < lines[c].size() ? lines[c][i] : "";
      const std::string blanks(widths[c] - 2 - text.size(), ' ');
      out << ' ' << (c == 2 ? blanks + text : text + blanks) << ' ' << bar;
    }
    out << '\n';
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

std::string shape_text(const Shape& shape) {
  std::string text = "(None";
  for (const i64 extent : shape.extents())
    text.append(", ").append(extent < 0 ? "None" : std::to_string(extent));
  return text.append(")");
}

}  // namespace

std::vector<SummaryRow> summary_rows(const Sequential& model, std::span<const Shape> outputs) {
  std::vector<SummaryRow> rows;
  for (std::size_t i = 0; i < model.layers().size(); ++i) {
    Layer& layer = *model.layers()[i];
    SummaryRow row{layer.name() + " (" + layer.type() + ")", "?", 0};
    if (model.built()) row.shape = shape_text(outputs[i]);
    for (const Parameter* parameter : layer.parameters()) {
      row.parameters += parameter->value.size();
      if (parameter->trainable) row.trainable += parameter->value.size();
    }
    rows.push_back(row);
  }
  return rows;
}

std::string size_text(i64 bytes, const char* byte_unit) {
  const std::array units = {byte_unit, "KB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < units.size(); ++unit) size /= 1024;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "(%.2f %s)", size, units[unit]);
  return text.data();
}

void write_keras3(std::ostream& out, const Sequential& model, std::span<const SummaryRow> rows) {
  out << "Model: \"" << model.name() << "\"\n" << rule("┏", "━", "┳", "┓") << '\n';
  write_row(out, {"Layer (type)", "Output Shape", "Param #"}, "┃");
  out << rule("┡", "━", "╇", "┩") << '\n';
  i64 trainable = 0;
  i64 all = 0;
  for (const SummaryRow& row : rows) {
    if (&row != rows.data()) out << rule("├", "─", "┼", "┤") << '\n';
    const std::string count = model.built() ? with_commas(row.parameters) : "0 (unbuilt)";
    write_row(out, {row.layer, row.shape, count}, "│");
    all += row.parameters;
    trainable += row.trainable;
  }
  out << rule("└", "─", "┴", "┘") << '\n';
  // Keras counts the optimizer's step number, 8 bytes, and learning rate, 4 bytes, beside its slots.
  const bool optimized = model.built() && model.optimizer() != nullptr;
  const i64 slots = optimized ? model.optimizer()->slots_per_parameter() * trainable : 0;
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

void Sequential::summary(std::ostream& out, SummaryStyle style) const {
  const std::vector<SummaryRow> rows = summary_rows(*this, outputs_);
  style == SummaryStyle::keras3 ? write_keras3(out, *this, rows) : write_keras2(out, *this, rows);
}

}  // namespace recurra
