/// recurra info: what this program is and what it runs on.
#include <fmt/format.h>

#include "recurra/base/cpu.h"
#include "recurra/base/threads.h"
#include "recurra/base/version.h"
#include "recurra/cli/commands.h"
#include "recurra/engine/dispatch/dispatch.h"

namespace recurra::cli {

namespace {

void info() {
  fmt::print("version     {}\n", version());
  fmt::print("processor   {}\n", cpu_name());
  fmt::print("threads     {} (RECURRA_THREADS or --threads set another number)\n", threads());
  fmt::print("L2 cache    {} KiB\n", second_level_cache() / 1024);
  std::string targets;
  for (const Target* target : supported_targets())
    targets += std::string(targets.empty() ? "" : " ") + target->name;
  fmt::print("targets     {}\n", targets);
  fmt::print("target      {} (RECURRA_TARGET forces another)\n", active_target().name);
  std::string cells;
  for (int i = 0; i < active_target().cell_count; ++i) {
    cells += std::string(cells.empty() ? "" : " ") + active_target().cells[i].name;
  }
  fmt::print("cells       {}\n", cells);
  fmt::print("features    f32, inference and training; safetensors, CSV, npy, text, idx\n");
}

}  // namespace

void add_info(CLI::App& app) {
  app.add_subcommand("info", "Version, processor, instruction sets and features")->callback(info);
}

}  // namespace recurra::cli
