/// recurra predict: what a saved model makes of examples.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/cli/digits.h"
#include "recurra/cli/load_data.h"
#include "recurra/cli/model_options.h"
#include "recurra/cli/numbers.h"
#include "recurra/cli/paths.h"
#include "recurra/cli/predictions.h"
#include "recurra/data/npy.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

struct PredictOptions {
  std::string model;
  DataOptions data{};
  i64 index = -1;  // all
  std::string output;
  i64 batch_size = 64;
  int threads = 0;
};

constexpr const char* outputs_known = "FILE.csv, FILE.npy";

void check_output(const PredictOptions& options) {
  if (options.output.empty()) return;
  if (!ends_in(options.output, ".csv") && !ends_in(options.output, ".npy"))
    throw Error(ErrorCode::unsupported, "output", outputs_known, options.output);
  std::vector<std::string> inputs = files_of(options.data);
  inputs.push_back(options.model);
  require_output("--output", options.output, inputs);
}

/// Leaves one example.
void pick(LoadedData& data, i64 index) {
  const i64 count = data.examples.x.shape()[0];
  if (index >= count) {
    throw Error(
        ErrorCode::invalid_argument, "index", "0 to " + std::to_string(count - 1), std::to_string(index));
  }
  Examples& all = data.examples;
  if (all.y.size() == 0) all.y = Tensor({count});
  Batch batch;
  const int rows[] = {static_cast<int>(index)};
  batch.gather(all, rows);
  const auto at = static_cast<std::size_t>(index);
  const std::string name = at < data.row_names.size() ? data.row_names[at] : std::to_string(index);
  data.examples = {std::move(batch.x), std::move(batch.y), std::move(batch.lengths), {}, {}};
  data.row_names = {name};
}

void draw(const PredictOptions& options, const LoadedData& data, const Tensor& probabilities) {
  if (probabilities.shape() != Shape{1, 10}) {
    throw Error(ErrorCode::shape,
                options.model,
                "a model with outputs (batch, 10), one for each digit",
                probabilities.shape().to_string());
  }
  const std::span<const float> values = probabilities.as<float>();
  const auto best = std::ranges::max_element(values) - values.begin();
  fmt::print("{}", draw_digit(data.examples.x.as<float>(), values, isatty(STDOUT_FILENO) != 0));
  fmt::print("Test digit {}: predicted {}, labelled {}\n",
             data.row_names[0],
             best,
             data.examples.y.as<std::int32_t>()[0]);
}

void write(const PredictOptions& options,
           const Tensor& outputs,
           const LoadedData& data,
           const DataDescription& training) {
  if (ends_in(options.output, ".npy")) return write_npy(options.output, outputs);
  const std::string text = to_csv(outputs, data, training);
  if (options.output.empty()) {
    fmt::print("{}", text);
    return;
  }
  const std::span<const std::byte> parts[] = {bytes_of(text)};
  write_file_atomically(options.output, parts);
}

void predict(const PredictOptions& options) {
  check_output(options);
  Sequential model = Sequential::load(options.model);
  model.set_threads(options.threads);
  const std::optional<DataDescription> known = description_of(model, options.model);
  LoadedData data = load_data(
      known ? completed(options.data, *known) : options.data, Purpose::predict, known ? &*known : nullptr);
  const DataDescription& training = known ? *known : data.description;
  const bool drawn = data.description.kind == DataKind::mnist && options.output.empty();
  if (options.index >= 0 || drawn) pick(data, std::max<i64>(options.index, 0));
  Tensor outputs = model.predict(data.examples.x, data.examples.lengths, options.batch_size);
  if (training.classes > 0 && !ends_in_probabilities(model.spec())) to_probabilities(outputs);
  if (drawn) return draw(options, data, outputs);
  write(options, outputs, data, training);
}

}  // namespace

void add_predict(CLI::App& app) {
  auto* command = app.add_subcommand("predict", "What a saved model makes of examples; of mnist, drawn");
  auto options = std::make_shared<PredictOptions>();
  command->add_option("--model", options->model, "File of the model")->type_name("FILE")->required();
  add_data_options(*command, options->data);
  add_integer(*command, "--index", options->index, {0}, "This example alone, from 0")->default_str("");
  command
      ->add_option("--output",
                   options->output,
                   "File for the predictions: .csv as it is printed without, .npy with all outputs, "
                   "probabilities where there are classes")
      ->type_name("FILE");
  add_integer(*command, "--batch-size", options->batch_size, {1}, "Examples computed together");
  add_threads(*command, options->threads);
  command->callback([options] { predict(*options); });
}

}  // namespace recurra::cli
