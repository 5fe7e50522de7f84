#include "recurra/cli/numbers.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "recurra/base/shown.h"

namespace recurra::cli {

namespace {

[[noreturn]] void fail(const std::string& option, const std::string& expected, std::string_view text) {
  throw CLI::ValidationError(option, "expected " + expected + ", got " + shown(text));
}

std::string words_for(IntegerRange range) {
  if (range.most == std::numeric_limits<i64>::max())
    return fmt::format("a whole number from {} up", range.least);
  return fmt::format("a whole number from {} to {}", range.least, range.most);
}

std::string words_for(RealRange range) {
  std::string words = "a number";
  if (std::isfinite(range.above))
    words += fmt::format(" {} {}", range.or_above ? "from" : "above", range.above);
  if (std::isfinite(range.below)) words += fmt::format(" and below {}", range.below);
  return words;
}

}  // namespace

i64 parse_integer(const std::string& option, std::string_view text, IntegerRange range) {
  i64 value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc{} && end == text.data() + text.size();
  if (!whole || value < range.least || value > range.most) fail(option, words_for(range), text);
  return value;
}

std::optional<double> real_of(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

double parse_real(const std::string& option, std::string_view text, RealRange range) {
  const std::optional<double> value = real_of(text);
  const bool fits =
      value && (*value > range.above || (range.or_above && *value == range.above)) && *value < range.below;
  if (!fits) fail(option, words_for(range), text);
  return *value;
}

CLI::Option* add_integer(
    CLI::App& command, const std::string& name, i64& value, IntegerRange range, const std::string& help) {
  const auto take = [name, range, &value](const std::string& text) {
    value = parse_integer(name, text, range);
  };
  return command.add_option_function<std::string>(name, take, help)
      ->type_name("INT")
      ->default_str(std::to_string(value));
}

CLI::Option* add_real(CLI::App& command,
                      const std::string& name,
                      std::optional<double>& value,
                      RealRange range,
                      const std::string& help) {
  const auto take = [name, range, &value](const std::string& text) {
    value = parse_real(name, text, range);
  };
  return command.add_option_function<std::string>(name, take, help)->type_name("NUMBER");
}

std::vector<std::string> parse_list(const std::string& option, std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    if (comma == at) fail(option, "names with commas between", text);
    parts.emplace_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

CLI::Option* add_list(CLI::App& command,
                      const std::string& name,
                      std::vector<std::string>& values,
                      const std::string& help) {
  const auto take = [name, &values](const std::string& text) {
    values = parse_list(name, text);
  };
  return command.add_option_function<std::string>(name, take, help)->type_name("A,B,…");
}

}  // namespace recurra::cli
