/// Options that are numbers, read strictly: all of the text, finite, within a range.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "recurra/base/platform.h"

namespace recurra::cli {

/// What a whole number may be.
struct IntegerRange {
  i64 least = 0;
  i64 most = std::numeric_limits<i64>::max();
};

/// What a real number may be, the ends left out.
struct RealRange {
  double above = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
  bool or_above = false;  ///< the lower end is in
};

/// The number that is all of `text`: decimal digits, with a minus where the range has such numbers. Throws
/// CLI::ValidationError naming the option.
[[nodiscard]] i64 parse_integer(const std::string& option, std::string_view text, IntegerRange range);

/// The same for digits with `.` and an exponent, within a double's range.
[[nodiscard]] double parse_real(const std::string& option, std::string_view text, RealRange range);

/// The number `text` is, or nothing where it is none.
[[nodiscard]] std::optional<double> real_of(std::string_view text);

/// Adds an option that takes such a number; help shows the value there is as the default one.
CLI::Option* add_integer(
    CLI::App& command, const std::string& name, i64& value, IntegerRange range, const std::string& help);

/// Without a default.
CLI::Option* add_real(CLI::App& command,
                      const std::string& name,
                      std::optional<double>& value,
                      RealRange range,
                      const std::string& help);

/// `a,b,c` cut at the commas. Throws CLI::ValidationError naming the option for an empty part.
[[nodiscard]] std::vector<std::string> parse_list(const std::string& option, std::string_view text);

/// Adds an option that takes such a list.
CLI::Option* add_list(CLI::App& command,
                      const std::string& name,
                      std::vector<std::string>& values,
                      const std::string& help);

}  // namespace recurra::cli
