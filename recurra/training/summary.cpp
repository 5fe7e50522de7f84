/// Keras 3's table of a model's layers.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "recurra/training/sequential.h"

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

std::string size_text(i64 bytes) {
  constexpr std::array units = {"B", "KB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < units.size(); ++unit) size /= 1024;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "(%.2f %s)", size, units[unit]);
  return text.data();
}

std::string shape_text(const Shape& shape) {
  std::string text = "(None";
  for (const i64 extent : shape.extents())
    text.append(", ").append(extent < 0 ? "None" : std::to_string(extent));
  return text.append(")");
}

}  // namespace

void Sequential::summary(std::ostream& out) const {
  out << "Model: \"" << name_ << "\"\n" << rule("┏", "━", "┳", "┓") << '\n';
  write_row(out, {"Layer (type)", "Output Shape", "Param #"}, "┃");
  out << rule("┡", "━", "╇", "┩") << '\n';
  i64 trainable = 0;
  i64 others = 0;
  i64 variables = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    i64 own = 0;
    for (const Parameter* parameter : layers_[i]->parameters()) {
      own += parameter->value.size();
      (parameter->trainable ? trainable : others) += parameter->value.size();
    }
    if (i > 0) out << rule("├", "─", "┼", "┤") << '\n';
    const std::string params = built() ? with_commas(own) : "0 (unbuilt)";
    write_row(out,
              {std::string(layers_[i]->name()).append(" (").append(layers_[i]->type()).append(")"),
               built() ? shape_text(outputs_[i]) : "?",
               params},
              "│");
  }
  out << rule("└", "─", "┴", "┘") << '\n';
  // Keras counts the optimizer's step number, 8 bytes, and learning rate, 4 bytes, beside its slots.
  i64 optimizer_bytes = 0;
  if (built() && optimizer_ != nullptr) {
    variables = 2 + optimizer_->slots_per_parameter() * trainable;
    optimizer_bytes = 12 + optimizer_->slots_per_parameter() * trainable * 4;
  }
  const auto line = [&](const char* label, i64 count, i64 bytes) {
    out << ' ' << label << ": " << with_commas(count) << ' ' << size_text(bytes) << '\n';
  };
  line("Total params", trainable + others + variables, (trainable + others) * 4 + optimizer_bytes);
  line("Trainable params", trainable, trainable * 4);
  line("Non-trainable params", others, others * 4);
  if (variables > 0) line("Optimizer params", variables, optimizer_bytes);
}

}  // namespace recurra
