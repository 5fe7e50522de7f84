#include "recurra/cli/arguments.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "recurra/base/shown.h"

namespace recurra::cli {

namespace {

[[noreturn]] void fail(const std::string& text) {
  throw CLI::ParseError(text, CLI::ExitCodes::InvalidError);
}

/// Letters to change, add or drop to make one word of the other (Levenshtein 1966).
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// `; did you mean "…"?` where a name is near enough: half of its letters right at least.
std::string suggestion(const std::string& name, const std::vector<std::string>& names) {
  const auto nearest =
      std::ranges::min_element(names, {}, [&](const std::string& other) { return distance(name, other); });
  if (nearest == names.end() || 2 * distance(name, *nearest) > std::max(name.size(), nearest->size()))
    return {};
  return "; did you mean " + *nearest + "?";
}

/// All options of a command by what one types for them.
std::map<std::string, const CLI::Option*> options_of(const CLI::App& command) {
  std::map<std::string, const CLI::Option*> options;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) options["--" + name] = option;
    for (const std::string& name : option->get_snames()) options["-" + name] = option;
  }
  return options;
}

std::vector<std::string> names_in(const std::map<std::string, const CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const auto& [name, option] : options) names.push_back(name);
  return names;
}

bool looks_like_option(const std::string& argument) {
  return argument.size() > 1 && argument[0] == '-';
}

/// The arguments behind a command's name.
void check_options(const CLI::App& command, std::span<const std::string> arguments) {
  const std::map<std::string, const CLI::Option*> options = options_of(command);
  std::map<const CLI::Option*, std::string> given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") return;
    if (!looks_like_option(argument)) continue;
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const auto found = options.find(name);
    if (found == options.end()) {
      fail("unknown option " + shortened(name) + suggestion(name, names_in(options)));
    }
    const auto [before, first] = given.emplace(found->second, name);
    if (!first && before->second == name) fail(name + ": expected once, got twice");
    if (!first) fail(name + ": expected one of it and " + before->second + ", got both");
    if (found->second->get_items_expected_max() == 0 || equals != std::string::npos) continue;
    if (i + 1 == arguments.size()) fail(name + ": expected a value, got nothing");
    if (arguments[i + 1].starts_with("--"))
      fail(name + ": expected a value, got the option " + shortened(arguments[i + 1]));
    ++i;
  }
}

}  // namespace

void check_arguments(const CLI::App& app, std::span<const std::string> arguments) {
  if (!arguments.empty() && looks_like_option(arguments[0])) return check_options(app, arguments);
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!arguments.empty() && command->get_name() == arguments[0])
      return check_options(*command, arguments.subspan(1));
    names.push_back(command->get_name());
  }
  if (arguments.empty()) fail("expected a command, one of " + shown_list(names));
  fail("unknown command " + shown(arguments[0]) + suggestion(arguments[0], names));
}

}  // namespace recurra::cli
