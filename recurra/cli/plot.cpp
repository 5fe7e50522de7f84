#include "recurra/cli/plot.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace recurra::cli {

namespace {

constexpr std::size_t height = 10;
constexpr std::size_t most_columns = 60;

struct Span {
  double least = INFINITY;
  double most = -INFINITY;
};

Span span_of(std::span<const Curve> curves) {
  Span span;
  for (const Curve& curve : curves) {
    for (const double value : curve.values) {
      if (!std::isfinite(value)) continue;
      span.least = std::min(span.least, value);
      span.most = std::max(span.most, value);
    }
  }
  return span;
}

std::size_t epochs_of(std::span<const Curve> curves) {
  std::size_t epochs = 0;
  for (const Curve& curve : curves) epochs = std::max(epochs, curve.values.size());
  return epochs;
}

std::size_t scaled(double share, std::size_t places) {
  return static_cast<std::size_t>(std::lround(share * static_cast<double>(places - 1)));
}

void draw(const Curve& curve, Span span, std::size_t epochs, std::vector<std::string>& lines) {
  for (std::size_t epoch = 0; epoch < curve.values.size(); ++epoch) {
    const double value = curve.values[epoch];
    if (!std::isfinite(value)) continue;
    const double share = span.most > span.least ? (span.most - value) / (span.most - span.least) : 0.5;
    const double along = static_cast<double>(epoch) / static_cast<double>(epochs - 1);
    char& place = lines[scaled(share, height)][scaled(along, lines[0].size())];
    place = place == ' ' || place == curve.mark ? curve.mark : '#';
  }
}

}  // namespace

std::string draw_curves(std::span<const Curve> curves) {
  const std::size_t epochs = epochs_of(curves);
  const Span span = span_of(curves);
  if (epochs < 2 || !(span.most >= span.least)) return {};
  // Few epochs stand apart, many share a column.
  const std::size_t columns = std::min(most_columns, 1 + (epochs - 1) * 6);
  std::vector<std::string> lines(height, std::string(columns, ' '));
  for (const Curve& curve : curves) draw(curve, span, epochs, lines);
  const std::string top = fmt::format("{:.4g}", span.most);
  const std::string bottom = fmt::format("{:.4g}", span.least);
  const std::size_t margin = std::max(top.size(), bottom.size());
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    const std::string& label = line == 0 ? top : bottom;
    const bool labelled = line == 0 || line + 1 == height;
    lines[line].erase(lines[line].find_last_not_of(' ') + 1);
    text += fmt::format("{:>{}} |{}\n", labelled ? label : "", margin, lines[line]);
  }
  text += fmt::format("{:>{}} +{:->{}}\n", "", margin, "", columns);
  text += fmt::format("{:>{}}  1{:>{}}\n", "", margin, epochs, columns - 1);
  text += fmt::format("{:>{}}  epochs", "", margin);
  for (const Curve& curve : curves) text += fmt::format("   {} {}", curve.mark, curve.name);
  return text + "\n";
}

}  // namespace recurra::cli
