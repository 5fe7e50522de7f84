/// The sub-commands of the program, one file each: they add themselves to the application and run when
/// chosen.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace recurra::cli {

void add_train(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_predict(CLI::App& app);
void add_inspect(CLI::App& app);
void add_convert(CLI::App& app);
void add_info(CLI::App& app);
void add_bench(CLI::App& app);

/// Adds --threads, which sets the process's threads() and `threads`; without it both stay as they are.
void add_threads(CLI::App& command, int& threads);

/// Thrown by a command that did its work and has to end with another status than 0.
struct ExitStatus {
  int status;
};

}  // namespace recurra::cli
