/// Numbers as texts show them.
///
/// Private to the library.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <string>

namespace recurra {

/// The shortest digits that give the number again: 0.1, -1e-09, nan. So what an error shows is never rounded
/// to a value that would have been accepted.
template <std::floating_point Number>
[[nodiscard]] std::string shortest(Number number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

}  // namespace recurra
