/// recurra bench: times the engine on rows of a JSON file, or an epoch of the guide's digit model.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "recurra/base/threads.h"
#include "recurra/cli/bench_rows.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/digits.h"
#include "recurra/cli/numbers.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

struct BenchOptions {
  RowOptions rows;
  std::string epoch;
  std::string data_folder = "data/mnist";
  i64 epochs = 2;
  std::optional<double> seconds{};
};

constexpr const char* rows_help =
    R"(A row is {"name", "mode", "cell", "layers", "bidirectional", "input", "hidden", "batch",
"steps", "dtype"} and perhaps "lengths":
  mode   infer: one forward over all steps, the outputs of all of them wanted
         train: packing, forward and backward, gradients of the input and of every weight
         step: one step of a stream, which carries the states
  cell   lstm, gru, lbr_gru, rnn_tanh or rnn_relu
  dtype  f32
  lengths  uniform: each row of the batch has a length of its own, drawn from 1 to steps
A line has
  ms         of a call, the least of all calls within --seconds
  gflops     of the products: 2 flops a multiply-add, in training those of the forward three times
  pack_ms    of bringing the weights into the kernels' order: in training inside ms, else once a model
  threads, target
  peak_gflops, read_gb_s  what this machine did beside the row: multiply-adds in registers; reading what
             lies in the first cache, the second one, and behind
  of_peak    gflops / peak_gflops
  floor_ms   the larger of all multiply-adds at the peak and of reading the recurrent weights once a
             step from the caches they fit into; in a batch of one that, and the other products at the
             peak on top
  of_floor   floor_ms / ms
A row that cannot be run has "error" in place of all these.)";

/// The demo's training; the figures of the fastest epoch.
void bench_epoch(const BenchOptions& options) {
  const Digits digits = load_digits(options.epoch, options.data_folder);
  Sequential model(parse_model("lstm:64,batch_norm,dense:10"));
  const int used = options.rows.threads > 0 ? options.rows.threads : threads();
  model.set_threads(used);
  model.compile(make_optimizer("sgd"), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  FitOptions fit;
  fit.batch_size = 64;
  fit.epochs = options.epochs;
  const History history = model.fit(digits.train, fit);
  const double seconds = *std::ranges::min_element(history.seconds);
  const double accuracy = model.evaluate(digits.test, 64)["accuracy"];
  if (options.rows.json) {
    const Json line = {{"peer", "recurra"}, {"threads", used}, {"seconds", seconds}, {"accuracy", accuracy}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print("epoch {:.3f} s, accuracy on the test digits {:.4f}\n", seconds, accuracy);
  }
}

void bench(const BenchOptions& options) {
  if (options.rows.path.empty() == options.epoch.empty())
    throw CLI::RequiredError("One of --rows and --epoch");
  if (options.rows.path.empty()) return bench_epoch(options);
  RowOptions rows = options.rows;
  rows.seconds = options.seconds.value_or(rows.seconds);
  bench_rows(rows);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "Time the engine");
  command->footer(rows_help);
  auto options = std::make_shared<BenchOptions>();
  auto* rows = command->add_option("--rows", options->rows.path, "JSON list of rows to time; see below");
  command
      ->add_option("--only",
                   options->rows.only,
                   "Rows whose name has a match of this POSIX extended regular expression; default: all")
      ->needs(rows);
  add_real(
      *command, "--seconds", options->seconds, {.above = 0.0}, "Time for each row, default 0.6; for --rows")
      ->needs(rows);
  auto* epoch = command->add_option(
      "--epoch", options->epoch, "Time epochs of the guide's digit model on a data set: mnist");
  add_integer(*command, "--epochs", options->epochs, {1}, "Epochs, of which the fastest counts; for --epoch")
      ->needs(epoch);
  command->add_option("--data-dir", options->data_folder, "Folder of the data set's files; for --epoch")
      ->capture_default_str()
      ->needs(epoch);
  add_threads(*command, options->rows.threads);
  command->add_flag("--json", options->rows.json, "One JSON line for each result, else a table");
  command->callback([options] { bench(*options); });
}

}  // namespace recurra::cli
