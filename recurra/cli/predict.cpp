/// recurra predict: a saved model looks at a digit.
#include <cmath>

#include <fmt/format.h>
#include <unistd.h>

#include "recurra/base/error.h"
#include "recurra/cli/commands.h"
#include "recurra/cli/digits.h"
#include "recurra/training/sequential.h"

namespace recurra::cli {

namespace {

struct PredictOptions {
  std::string model;
  std::string data = "mnist";
  std::string data_folder = "data/mnist";
  i64 index = 0;
  int threads = 0;
};

std::vector<float> softmax(std::span<const float> logits) {
  std::vector<float> result(logits.size());
  const float largest = *std::ranges::max_element(logits);
  float sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) sum += result[i] = std::exp(logits[i] - largest);
  for (float& value : result) value /= sum;
  return result;
}

void predict(const PredictOptions& options) {
  Sequential model = Sequential::load(options.model);
  model.set_threads(options.threads);
  const Examples digits = load_digits(options.data, options.data_folder).test;
  const Shape& shape = digits.x.shape();
  if (options.index < 0 || options.index >= shape[0]) {
    throw Error(ErrorCode::invalid_argument,
                "index",
                "0 to " + std::to_string(shape[0] - 1),
                std::to_string(options.index));
  }
  const i64 size = shape[1] * shape[2];
  Tensor picture({1, shape[1], shape[2]});
  std::copy_n(digits.x.data() + options.index * size, size, picture.data());
  const Tensor logits = model.predict(picture);
  if (logits.shape() != Shape{1, 10}) {
    throw Error(ErrorCode::shape,
                options.model,
                "a model with outputs (batch, 10), one for each digit",
                logits.shape().to_string());
  }
  const std::vector<float> probabilities = softmax(logits.as<float>());
  const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
  fmt::print("{}", draw_digit(picture.as<float>(), probabilities, isatty(STDOUT_FILENO) != 0));
  fmt::print("Test digit {}: predicted {}, labelled {}\n",
             options.index,
             best,
             digits.y.as<std::int32_t>()[static_cast<std::size_t>(options.index)]);
}

}  // namespace

void add_predict(CLI::App& app) {
  auto* command = app.add_subcommand("predict", "Draw a digit and what a saved model takes it for");
  auto options = std::make_shared<PredictOptions>();
  command->add_option("--model", options->model, "File of the model")->required();
  command->add_option("--data", options->data, "Data set: mnist")->capture_default_str();
  command->add_option("--data-dir", options->data_folder, "Folder of the data set's files")
      ->capture_default_str();
  command->add_option("--index", options->index, "Which of the test digits")->capture_default_str();
  add_threads(*command, options->threads);
  command->callback([options] { predict(*options); });
}

}  // namespace recurra::cli
