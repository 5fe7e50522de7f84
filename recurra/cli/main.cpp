/// The program recurra. Data goes to stdout, words to stderr; exit status 0, 1 for an error, 2 for wrong
/// usage.
#include <exception>

#include <fmt/format.h>

#include "recurra/base/threads.h"
#include "recurra/base/version.h"
#include "recurra/cli/commands.h"

namespace recurra::cli {

void add_threads(CLI::App& command, int& threads) {
  command
      .add_option("--threads",
                  threads,
                  "Threads, 1 to 64; 0: all processors this process may use. Default: RECURRA_THREADS, or 0")
      ->check(CLI::Range(0, most_threads))
      ->each([](const std::string& number) { set_threads(std::stoi(number)); });
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
