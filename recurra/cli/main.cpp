/// The program recurra. Data goes to stdout, words to stderr; exit status 0, 1 for an error, 2 for wrong
/// usage.
#include <exception>

#include <fmt/format.h>

#include "recurra/base/cpu.h"
#include "recurra/cli/commands.h"

namespace recurra::cli {

void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads; 0: all processors this process may use")
      ->check(CLI::Range(0, usable_processors()))
      ->capture_default_str();
}

}  // namespace recurra::cli

int main(int argc, char** argv) {
  CLI::App app("Trains and runs recurrent neural networks.", "recurra");
  app.require_subcommand(1);
  app.set_version_flag("--version", "recurra " RECURRA_VERSION);
  try {
    recurra::cli::add_train(app);
    recurra::cli::add_predict(app);
    recurra::cli::add_info(app);
    recurra::cli::add_bench(app);
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "recurra: {}\n", error.what());
    return 1;
  }
}
