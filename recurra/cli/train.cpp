/// recurra train: examples from files, a model from a line of text, trained and saved.
#include <csignal>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "recurra/base/error.h"
#include "recurra/cli/load_data.h"
#include "recurra/cli/paths.h"
#include "recurra/cli/plot.h"
#include "recurra/cli/signals.h"
#include "recurra/cli/train_options.h"
#include "recurra/data/split.h"
#include "recurra/formats/checkpoints.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

struct TrainingData {
  LoadedData train;
  std::optional<Examples> validation;
};

TrainingData load_training_data(const TrainOptions& options) {
  TrainingData data{load_data(options.data, Purpose::train, nullptr), {}};
  const DataDescription& description = data.train.description;
  if (const std::optional<double> fraction = validation_fraction(options)) {
    ExamplesSplit split = split_examples(data.train.examples, *fraction);
    data.train.examples = std::move(split.training);
    data.validation = std::move(split.validation);
  } else if (!options.validation.empty()) {
    const DataOptions validation = validation_data(options, description);
    data.validation = load_data(validation, Purpose::evaluate, &description).examples;
  } else if (description.kind == DataKind::mnist) {
    data.validation = load_data(options.data, Purpose::evaluate, nullptr).examples;
  }
  if (data.train.examples.x.shape()[0] == 0)
    throw Error(ErrorCode::invalid_argument, options.data.data, "at least one example", "none");
  return data;
}

/// Prefix and, where they are another training's, its checkpoints: pruning would take the new for the old.
void check_checkpoints(const TrainOptions& options) {
  const Checkpoints checkpoints(options.checkpoint);
  require_output("--checkpoint", checkpoints.path_for(0).string(), inputs_of(options));
  if (options.resume == options.checkpoint) return;
  const auto found = checkpoints.newest_first();
  if (found.empty()) return;
  throw Error(ErrorCode::invalid_argument,
              "--checkpoint " + options.checkpoint,
              "a prefix without checkpoints, or --resume " + options.checkpoint + " to go on from them",
              found.front().string());
}

void check_outputs(const TrainOptions& options) {
  if (!options.save.empty()) require_output("--save", options.save, inputs_of(options));
  if (!options.checkpoint.empty()) check_checkpoints(options);
}

/// Sequences of other files may have other lengths.
Shape input_shape(const LoadedData& data) {
  std::vector<i64> extents(data.examples.x.shape().extents().begin() + 1,
                           data.examples.x.shape().extents().end());
  if (data.description.kind == DataKind::sequences) extents[0] = any_extent;
  return Shape(extents);
}

Sequential resumed(const std::string& from) {
  std::vector<std::string> skipped;
  Sequential model = Sequential::resume(from, &skipped);
  for (const std::string& reason : skipped) fmt::print(stderr, "Passed over a checkpoint: {}\n", reason);
  return model;
}

/// Throws Error (invalid_argument) where layers were asked for that are not the file's.
void require_same_layers(const Sequential& model, const ModelSpec& asked, const TrainOptions& options) {
  if (options.model.model.empty()) return;
  const auto layers = [](const ModelSpec& spec) {
    std::string text;
    for (const ModelSpec::LayerSpec& layer : spec.layers) {
      nlohmann::json config = nlohmann::json::parse(layer.config);
      config.erase("name");
      text.append(text.empty() ? "" : ", ").append(layer.type).append(" ").append(config.dump());
    }
    return text;
  };
  const std::string expected = layers(model.spec());
  const std::string actual = layers(Sequential(asked).spec());
  if (expected == actual) return;
  throw Error(ErrorCode::invalid_argument,
              "--model " + options.model.model,
              "the layers of " + options.resume + ": " + expected,
              actual);
}

Sequential make_model(const TrainOptions& options, const LoadedData& data) {
  const ModelSpec spec = make_spec(options.model, data.description);
  if (!options.resume.empty()) {
    Sequential model = resumed(options.resume);
    require_same_layers(model, spec, options);
    return model;
  }
  Sequential model(spec);
  model.build(input_shape(data), static_cast<std::uint64_t>(options.seed));
  return model;
}

Examples first_example(const Examples& examples) {
  Batch batch;
  const int first[] = {0};
  batch.gather(examples, first);
  return {std::move(batch.x), std::move(batch.y), std::move(batch.lengths), {}, {}};
}

/// Compiles the model and sends one example of each kind through it, so that what does not fit is said now.
void compile(Sequential& model, const TrainOptions& options, const TrainingData& data) {
  const DataDescription& description = data.train.description;
  const Examples example = first_example(data.train.examples);
  const Shape output = model.predict(example.x, example.lengths).shape();
  std::unique_ptr<Loss> loss = make_loss(options.model, description, model.spec(), output.back());
  const std::string name = loss->name();
  if (name == "sparse_categorical_crossentropy" && output.back() < description.classes) {
    throw Error(ErrorCode::invalid_argument,
                "model",
                std::to_string(description.classes) + " outputs, one for each class",
                std::to_string(output.back()));
  }
  model.compile(make_optimizer(options.model), std::move(loss), metrics_of(options.model, description));
  model.evaluate(example);
  if (data.validation && data.validation->x.shape()[0] > 0) model.evaluate(first_example(*data.validation));
}

FitOptions fit_options(const TrainOptions& options, const TrainingData& data) {
  FitOptions fit;
  fit.batch_size = options.batch_size;
  fit.epochs = options.epochs;
  fit.shuffle = options.shuffle;
  fit.seed = static_cast<std::uint64_t>(options.seed);
  fit.class_weight = parse_class_weight(options.class_weight, data.train.description);
  if (data.validation) fit.validation_data = &*data.validation;
  if (!options.quiet) fit.progress = &std::cout;
  fit.style = isatty(STDOUT_FILENO) != 0 ? ProgressStyle::terminal : ProgressStyle::lines;
  fit.stop = [] {
    return stop_signal() != 0;
  };
  if (options.checkpoint.empty()) return fit;
  CheckpointOptions checkpoint;
  checkpoint.prefix = options.checkpoint;
  checkpoint.every_minutes = options.checkpoint_minutes.value_or(0.0);
  checkpoint.every_epochs = options.checkpoint_epochs;
  checkpoint.keep = static_cast<int>(options.keep);
  fit.checkpoint = checkpoint;
  return fit;
}

void print_curves(const History& history) {
  Curve loss{"loss", '*', {}};
  Curve validation{"val_loss", 'o', {}};
  for (const Logs& logs : history.epochs) {
    if (logs.contains("loss")) loss.values.push_back(logs.at("loss"));
    if (logs.contains("val_loss")) validation.values.push_back(logs.at("val_loss"));
  }
  std::vector<Curve> curves{loss};
  if (!validation.values.empty()) curves.push_back(validation);
  const std::string text = draw_curves(curves);
  if (!text.empty()) std::cout << "\n" << text << std::flush;
}

/// What a training that was stopped leaves behind. Nobody reads it where the reader of the output is gone.
void tell_of_stop(const TrainOptions& options, const Sequential& model) {
  if (stop_signal() == SIGPIPE) return;
  fmt::print(stderr, "Stopped after {} updates\n", model.updates_done());
  const std::string& from = options.checkpoint.empty() ? options.save : options.checkpoint;
  if (from.empty()) fmt::print(stderr, "Nothing was saved: --save or --checkpoint would have\n");
  if (!from.empty()) fmt::print(stderr, "To go on: the same command with --resume {}\n", from);
}

/// What is wrong whatever the data are is said before they are read, which may take a while.
void check_words(const TrainOptions& options) {
  static_cast<void>(kind_of(options.data));
  static_cast<void>(validation_fraction(options));
  DataDescription some;
  some.classes = some.outputs = some.ids = 2;
  const Sequential model(make_spec(options.model, some));
  static_cast<void>(make_loss(options.model, some, model.spec(), some.outputs));
  static_cast<void>(make_optimizer(options.model));
  for (const std::string& metric : metrics_of(options.model, some)) static_cast<void>(make_metric(metric));
}

void train(const TrainOptions& options) {
  check_words(options);
  check_outputs(options);
  const TrainingData data = load_training_data(options);
  Sequential model = make_model(options, data.train);
  model.set_threads(options.threads);
  describe(model, data.train.description);
  compile(model, options, data);
  const FitOptions fit = fit_options(options, data);
  if (!options.quiet) {
    model.summary(std::cout);
    std::cout << std::endl;
  }
  const StopSignals signals;
  const History history = model.fit(data.train.examples, fit);
  if (!options.quiet) print_curves(history);
  if (!options.save.empty()) {
    model.save(options.save);
    if (stop_signal() != SIGPIPE) fmt::print(stderr, "Saved {}\n", options.save);
  }
  if (!history.stopped) return;
  tell_of_stop(options, model);
  throw ExitStatus{exit_status_of(stop_signal())};
}

}  // namespace

void add_train(CLI::App& app) {
  auto* command = app.add_subcommand("train", "Train a model and save it");
  auto options = std::make_shared<TrainOptions>();
  add_train_options(*command, *options);
  command->callback([options] { train(*options); });
}

}  // namespace recurra::cli
