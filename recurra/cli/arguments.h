/// Looks over the arguments before they are parsed: names that do not exist, that come twice, that lack a
/// value.
#pragma once

#include <span>
#include <string>

#include <CLI/CLI.hpp>

namespace recurra::cli {

/// Throws CLI::ParseError, with the nearest name there is, for a command or an option that does not exist;
/// for an option given twice, and for one whose value is absent or looks like the next option: such a value
/// is written `--save=--name`. What it lets pass, `app` has still to parse.
void check_arguments(const CLI::App& app, std::span<const std::string> arguments);

}  // namespace recurra::cli
