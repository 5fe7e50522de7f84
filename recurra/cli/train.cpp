/// recurra train: a model from a line of text, trained and saved.
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "recurra/base/file.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/digits.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

struct TrainOptions {
  std::string data = "mnist";
  std::string data_folder = "data/mnist";
  std::string model = "lstm:64,batch_norm,dense:10";
  std::string optimizer = "sgd";
  double learning_rate = 0.0;
  i64 batch_size = 64;
  i64 epochs = 1;
  std::uint64_t seed = 0;
  int threads = 0;
  std::string save;
};

void train(const TrainOptions& options) {
  // All that can be wrong is said before the first step.
  if (!options.save.empty()) require_writable_folder(options.save);
  Sequential model(parse_model(options.model));
  model.set_threads(options.threads);
  model.compile(make_optimizer(options.optimizer, options.learning_rate),
                make_loss("sparse_categorical_crossentropy"),
                {"accuracy"});
  const Digits digits = load_digits(options.data, options.data_folder);
  model.build({digits.train.x.shape()[1], digits.train.x.shape()[2]}, options.seed);
  model.summary(std::cout);
  std::cout << std::endl;

  FitOptions fit;
  fit.batch_size = options.batch_size;
  fit.epochs = options.epochs;
  fit.validation_data = &digits.test;
  fit.progress = &std::cout;
  fit.style = isatty(STDOUT_FILENO) != 0 ? ProgressStyle::terminal : ProgressStyle::lines;
  model.fit(digits.train, fit);
  if (options.save.empty()) return;
  model.save(options.save);
  fmt::print(stderr, "Saved {}\n", options.save);
}

}  // namespace

void add_train(CLI::App& app) {
  auto* command = app.add_subcommand("train", "Train a model and save it");
  auto options = std::make_shared<TrainOptions>();
  command->add_option("--data", options->data, "Data set: mnist, its rows of pixels as steps")
      ->capture_default_str();
  command->add_option("--data-dir", options->data_folder, "Folder of the data set's files")
      ->capture_default_str();
  command
      ->add_option("--model",
                   options->model,
                   "Layers in order, with their units: lstm:UNITS, dense:UNITS, batch_norm. An lstm before "
                   "another one "
                   "returns its whole sequence")
      ->capture_default_str();
  command->add_option("--optimizer", options->optimizer, "sgd, rmsprop, adam or adamw")
      ->capture_default_str();
  command
      ->add_option(
          "--learning-rate", options->learning_rate, "Step size; default: 0.01 for sgd, 0.001 for the others")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-size", options->batch_size, "Examples of one update")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--epochs", options->epochs, "Passes over the training examples")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of initial weights and of the order of examples")
      ->capture_default_str();
  add_threads(*command, options->threads);
  command->add_option("--save", options->save, "File to write the model to (safetensors)");
  command->callback([options] { train(*options); });
}

}  // namespace recurra::cli
