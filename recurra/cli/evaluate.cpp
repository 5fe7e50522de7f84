/// recurra evaluate: loss and metrics of a saved model.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/cli/load_data.h"
#include "recurra/cli/model_options.h"
#include "recurra/cli/numbers.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

struct EvaluateOptions {
  std::string model;
  DataOptions data{};
  ModelOptions loss{};
  i64 batch_size = 64;
  int threads = 0;
  bool json = false;
};

/// A model keeps the loss and the metrics of its training; others are taken where they were asked for.
void compile(Sequential& model, const EvaluateOptions& options, const DataDescription& data) {
  const bool asked = options.loss.loss != "auto" || !options.loss.metrics.empty();
  if (model.optimizer() != nullptr && !asked) return;
  model.compile(make_optimizer(options.loss),
                make_loss(options.loss, data, model.spec(), data.outputs),
                metrics_of(options.loss, data));
}

void evaluate(const EvaluateOptions& options) {
  Sequential model = Sequential::load(options.model);
  model.set_threads(options.threads);
  const std::optional<DataDescription> known = description_of(model, options.model);
  const LoadedData data = load_data(
      known ? completed(options.data, *known) : options.data, Purpose::evaluate, known ? &*known : nullptr);
  compile(model, options, known ? *known : data.description);
  const Logs logs = model.evaluate(data.examples, options.batch_size);
  if (options.json) {
    fmt::print("{}\n", nlohmann::json(logs).dump());
    return;
  }
  for (const auto& [name, value] : logs) fmt::print("{} {}\n", name, value);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto* command = app.add_subcommand("evaluate", "Loss and metrics of a saved model");
  auto options = std::make_shared<EvaluateOptions>();
  command->add_option("--model", options->model, "File of the model")->type_name("FILE")->required();
  add_data_options(*command, options->data);
  add_loss_options(*command, options->loss);
  add_integer(*command, "--batch-size", options->batch_size, {1}, "Examples computed together");
  add_threads(*command, options->threads);
  command->add_flag("--json", options->json, "One JSON object");
  command->callback([options] { evaluate(*options); });
}

}  // namespace recurra::cli
