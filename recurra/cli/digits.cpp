#include "recurra/cli/digits.h"

#include <algorithm>

#include <fmt/format.h>

#include "recurra/base/error.h"

namespace recurra::cli {

namespace {

constexpr std::size_t side = 28;

/// The brightest of the four pixels that share a letter's place keeps thin strokes visible.
std::string letters(std::span<const float> picture, std::size_t row) {
  constexpr std::string_view shades = " .:-=+*#%@";
  std::string line;
  for (std::size_t column = 0; column < side; ++column) {
    const float value = std::max(picture[row * side + column], picture[(row + 1) * side + column]);
    line += shades[std::min(static_cast<std::size_t>(value * 10.0F), shades.size() - 1)];
  }
  return line;
}

/// Upper pixel as the letter's colour, lower one as its ground: 232 to 255 are a terminal's greys.
std::string half_blocks(std::span<const float> picture, std::size_t row) {
  const auto grey = [](float value) {
    return 232 + static_cast<int>(value * 23.0F);
  };
  std::string line;
  for (std::size_t column = 0; column < side; ++column) {
    line += fmt::format("\x1b[38;5;{};48;5;{}m▀",
                        grey(picture[row * side + column]),
                        grey(picture[(row + 1) * side + column]));
  }
  return line + "\x1b[0m";
}

}  // namespace

Digits load_digits(const std::string& name, const std::filesystem::path& folder) {
  if (name != "mnist") throw Error(ErrorCode::unsupported, "data", "mnist", name);
  Mnist mnist = read_mnist(folder);
  return {{std::move(mnist.train.images), std::move(mnist.train.labels), {}},
          {std::move(mnist.test.images), std::move(mnist.test.labels), {}}};
}

std::string draw_digit(std::span<const float> picture, std::span<const float> probabilities, bool colour) {
  const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
  std::string text;
  for (std::size_t line = 0; line < side / 2; ++line) {
    text += colour ? half_blocks(picture, 2 * line) : letters(picture, 2 * line);
    const std::size_t digit = line - 2;  // the ten classes stand beside the middle lines
    if (line >= 2 && digit < probabilities.size()) {
      const double p = probabilities[digit];
      std::string bar;
      for (int i = 0; i < static_cast<int>(p * 20.0 + 0.5); ++i) bar += "█";
      text += fmt::format("   {} {:6.2f} % {}{}",
                          digit,
                          100.0 * p,
                          bar,
                          static_cast<std::ptrdiff_t>(digit) == best ? " ←" : "");
    }
    text += '\n';
  }
  return text;
}

}  // namespace recurra::cli
