/// The program recurra. Data goes to stdout, words to stderr; exit status 0, 1 for an error, 2 for wrong
/// usage, 128 and a signal's number where that ended a training.
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "recurra/base/threads.h"
#include "recurra/base/version.h"
#include "recurra/cli/arguments.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/numbers.h"
#include "recurra/cli/standard_streams.h"

namespace recurra::cli {

void add_threads(CLI::App& command, int& threads) {
  const auto take = [&threads](const std::string& text) {
    threads = static_cast<int>(parse_integer("--threads", text, {0, most_threads}));
    set_threads(threads);
  };
  command
      .add_option_function<std::string>(
          "--threads",
          take,
          "Threads, 1 to 64; 0: all processors this process may use. Default: RECURRA_THREADS, or 0")
      ->type_name("INT");
}

namespace {

int run(CLI::App& app, const std::vector<std::string>& arguments) {
  try {
    check_arguments(app, arguments);
    // CLI11 takes them from the end.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return 0;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "recurra: {}\nrecurra --help says what there is\n", error.what());
    return 2;
  } catch (const ExitStatus& ended) {
    return ended.status;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "recurra: not enough memory\n");
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "recurra: {}\n", error.what());
    return 1;
  }
}

}  // namespace

}  // namespace recurra::cli

int main(int argc, char** argv) {
  recurra::cli::open_missing_streams();
  CLI::App app("Trains and runs recurrent neural networks.", "recurra");
  app.require_subcommand(1);
  app.set_version_flag("--version", "recurra " RECURRA_VERSION);
  app.footer("recurra COMMAND --help lists a command's options.");
  recurra::cli::add_train(app);
  recurra::cli::add_evaluate(app);
  recurra::cli::add_predict(app);
  recurra::cli::add_inspect(app);
  recurra::cli::add_convert(app);
  recurra::cli::add_info(app);
  recurra::cli::add_bench(app);
  const int status = recurra::cli::run(app, {argv + 1, argv + argc});
  return recurra::cli::finish_output() || status != 0 ? status : 1;
}
