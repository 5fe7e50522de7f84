/// The digits the program ships with: loading them, and drawing one in the terminal.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "recurra/data/examples.h"
#include "recurra/data/mnist.h"

namespace recurra::cli {

/// Training and test examples of a data set known by name.
struct Digits {
  Examples train, test;
};

/// The data set `name` from `folder`. Throws Error (unsupported) for another name than mnist, and as
/// read_mnist.
[[nodiscard]] Digits load_digits(const std::string& name, const std::filesystem::path& folder);

/// A picture (28, 28) of values in [0, 1] as 14 lines of text, with the probabilities of the classes beside
/// it as bars. `colour`: half blocks in shades of grey; else letters.
[[nodiscard]] std::string draw_digit(std::span<const float> picture,
                                     std::span<const float> probabilities,
                                     bool colour);

}  // namespace recurra::cli
