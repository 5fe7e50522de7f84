#include "recurra/cli/train_options.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"
#include "recurra/cli/numbers.h"

namespace recurra::cli {

namespace {

void add_validation_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--validation",
                  options.validation,
                  "Examples to evaluate after each epoch: a file like --data's, or the fraction of the "
                  "training examples, the last ones, to take away for it. mnist: by default its test digits")
      ->type_name("FILE|FRACTION");
  command
      .add_option("--validation-labels", options.validation_labels, "Targets beside --validation's npy file")
      ->type_name("FILE.npy");
}

void add_fit_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--class-weight",
                  options.class_weight,
                  "Factors of the loss by class, others 1: 0=1,1=5, or by their names")
      ->type_name("CLASS=WEIGHT,…");
  add_integer(command, "--epochs", options.epochs, {0}, "Passes over the training examples");
  add_integer(command, "--batch-size", options.batch_size, {1}, "Examples of one update");
  add_integer(command,
              "--seed",
              options.seed,
              {0},
              "Seed of initial weights, of the order of examples and of dropout");
  command.add_flag("--shuffle,!--no-shuffle", options.shuffle, "A new order of examples each epoch, or not");
}

void add_output_options(CLI::App& command, TrainOptions& options) {
  command.add_option("--save", options.save, "File to write the model to (safetensors)")->type_name("FILE");
  CLI::Option* checkpoint =
      command
          .add_option(
              "--checkpoint",
              options.checkpoint,
              "Beginning of the names of checkpoints: runs/digits makes runs/digits-00000938.safetensors")
          ->type_name("PREFIX");
  add_real(command,
           "--checkpoint-minutes",
           options.checkpoint_minutes,
           {.above = 0.0},
           "A checkpoint after so many minutes, too")
      ->needs(checkpoint);
  add_integer(command,
              "--checkpoint-epochs",
              options.checkpoint_epochs,
              {0},
              "A checkpoint after so many epochs; 0: none")
      ->needs(checkpoint);
  add_integer(command, "--keep", options.keep, {1, 1'000'000}, "Newest checkpoints to keep")
      ->needs(checkpoint);
  command
      .add_option(
          "--resume",
          options.resume,
          "Goes on where a checkpoint of this prefix, or a file that --save wrote, stopped; the other "
          "options as they were, --epochs may be more")
      ->type_name("PREFIX|FILE");
  command.add_flag("--quiet", options.quiet, "No summary, no progress, no curve");
}

int class_number(const std::string& name, const DataDescription& data) {
  const auto found = std::ranges::find(data.class_names, name);
  if (found != data.class_names.end()) return static_cast<int>(found - data.class_names.begin());
  const std::optional<double> number = data.class_names.empty() ? real_of(name) : std::nullopt;
  if (number && *number >= 0 && *number < static_cast<double>(data.classes) &&
      *number == static_cast<int>(*number))
    return static_cast<int>(*number);
  const std::string expected = data.class_names.empty()
                                   ? "classes from 0 to " + std::to_string(data.classes - 1)
                                   : "one of " + shown_list(data.class_names);
  throw Error(ErrorCode::invalid_argument, "--class-weight", expected, shown(name));
}

}  // namespace

void add_train_options(CLI::App& command, TrainOptions& options) {
  add_data_options(command, options.data);
  add_validation_options(command, options);
  add_model_options(command, options.model);
  add_loss_options(command, options.model);
  add_optimizer_options(command, options.model);
  add_fit_options(command, options);
  add_threads(command, options.threads);
  add_output_options(command, options);
}

std::optional<double> validation_fraction(const TrainOptions& options) {
  if (options.validation.empty() || !real_of(options.validation)) return {};
  return parse_real("--validation", options.validation, {.above = 0.0, .below = 1.0});
}

DataOptions validation_data(const TrainOptions& options, const DataDescription& training) {
  DataOptions validation = options.data;
  validation.data = options.validation;
  validation.labels = options.validation_labels;
  return completed(validation, training);
}

std::map<int, double> parse_class_weight(const std::string& text, const DataDescription& data) {
  std::map<int, double> weights;
  if (text.empty()) return weights;
  if (data.classes == 0)
    throw Error(ErrorCode::invalid_argument, "--class-weight", "classes to learn", "numbers");
  for (const std::string& entry : parse_list("--class-weight", text)) {
    const std::size_t equals = entry.rfind('=');
    const std::optional<double> weight =
        equals == std::string::npos ? std::nullopt : real_of(std::string_view(entry).substr(equals + 1));
    if (!weight || *weight < 0)
      throw Error(ErrorCode::invalid_argument, "--class-weight", "CLASS=WEIGHT, from 0 up", shown(entry));
    const std::string name = entry.substr(0, equals);
    if (!weights.emplace(class_number(name, data), *weight).second)
      throw Error(ErrorCode::invalid_argument, "--class-weight", "each class once", shown(name) + " again");
  }
  return weights;
}

std::vector<std::string> inputs_of(const TrainOptions& options) {
  std::vector<std::string> inputs = files_of(options.data);
  if (!validation_fraction(options)) inputs.push_back(options.validation);
  inputs.push_back(options.validation_labels);
  inputs.push_back(options.model.model);
  return inputs;
}

}  // namespace recurra::cli
