#include "recurra/cli/model_options.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/cli/data_options.h"
#include "recurra/cli/numbers.h"
#include "recurra/layers/json_text.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

std::string default_model(const DataDescription& data) {
  if (data.kind == DataKind::mnist) return "lstm:64,batch_norm,dense:outputs";
  return data.ids > 0 ? "embedding:idsx32,lstm:64,dense:outputs" : "lstm:32,dense:outputs";
}

/// Puts the number in the place of a word behind a colon.
void replace_word(std::string& text, const std::string& word, i64 number) {
  for (std::size_t at = text.find(":" + word); at != std::string::npos; at = text.find(":" + word, at + 1))
    text.replace(at + 1, word.size(), std::to_string(number));
}

ModelSpec read_spec(const std::string& path) {
  const Json json = parse_json(read_file(path), path);
  if (!json.is_object()) throw Error(ErrorCode::format, path, "a JSON object", "something else");
  return parse_model_json(json);
}

std::string activation_of(const ModelSpec::LayerSpec& layer) {
  if (layer.type == "Softmax") return "softmax";
  const Json config = parse_json(layer.config, layer.type);
  const Json activation = config.is_object() ? config.value("activation", Json()) : Json();
  return activation.is_string() ? activation.get<std::string>() : std::string();
}

std::string name_of_loss(const std::string& name, const DataDescription& data, i64 outputs) {
  if (name != "auto") return name;
  if (data.classes == 0) return "mean_squared_error";
  return outputs == 1 && data.classes <= 2 ? "binary_crossentropy" : "sparse_categorical_crossentropy";
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option(
          "--model",
          options.model,
          "Layers in order, with their units: lstm:64,batch_norm,dense:outputs (outputs: as many as the "
          "data need; ids: as many as the text has, embedding:idsx32), or FILE.json, as Keras writes "
          "it. A recurrent layer before another one returns its whole sequence. Default: one LSTM "
          "that suits the data")
      ->type_name("LAYERS|FILE");
}

void add_loss_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--loss",
                  options.loss,
                  "Loss; auto: sparse_categorical_crossentropy for classes, mean_squared_error for numbers. "
                  "Crossentropies take logits unless the model ends in softmax or sigmoid")
      ->type_name("NAME")
      ->capture_default_str();
  add_list(command,
           "--metrics",
           options.metrics,
           "Metrics, Keras's names, or none; default: accuracy for classes, none for numbers");
}

void add_optimizer_options(CLI::App& command, ModelOptions& options) {
  const RealRange positive{.above = 0.0};
  command.add_option("--optimizer", options.optimizer, "sgd, rmsprop, adam or adamw")
      ->type_name("NAME")
      ->capture_default_str();
  add_real(command,
           "--learning-rate",
           options.learning_rate,
           positive,
           "Step size; default: 0.01 for sgd, 0.001 for the others");
  add_real(command,
           "--momentum",
           options.momentum,
           {.above = 0.0, .below = 1.0, .or_above = true},
           "Share of the last step that is taken again; sgd and rmsprop");
  command.add_flag("--nesterov", options.nesterov, "Nesterov's momentum; sgd");
  add_real(command,
           "--weight-decay",
           options.weight_decay,
           {.above = 0.0, .or_above = true},
           "Share of each weight that goes at a step, times the learning rate");
  add_real(command, "--clipnorm", options.clipnorm, positive, "Largest norm of each parameter's gradient");
  add_real(command,
           "--global-clipnorm",
           options.global_clipnorm,
           positive,
           "Largest norm of all gradients together");
  add_real(command, "--clipvalue", options.clipvalue, positive, "Largest size of an element of a gradient");
}

ModelSpec make_spec(const ModelOptions& options, const DataDescription& data) {
  if (ends_in(options.model, ".json")) return read_spec(options.model);
  std::string text = options.model.empty() ? default_model(data) : options.model;
  if (data.outputs > 0) replace_word(text, "outputs", data.outputs);
  if (data.ids > 0) replace_word(text, "ids", data.ids);
  ModelSpec spec = parse_model(text);
  if (data.per_step()) return_sequences(spec);
  return spec;
}

bool ends_in_probabilities(const ModelSpec& spec) {
  if (spec.layers.empty()) return false;
  const std::string activation = activation_of(spec.layers.back());
  return activation == "softmax" || activation == "sigmoid";
}

std::unique_ptr<Loss> make_loss(const ModelOptions& options,
                                const DataDescription& data,
                                const ModelSpec& spec,
                                i64 outputs) {
  std::unique_ptr<Loss> loss = recurra::make_loss(name_of_loss(options.loss, data, outputs));
  if (!loss->from_logits() || !ends_in_probabilities(spec)) return loss;
  Json config = loss->config();
  config["config"]["from_logits"] = false;
  return make_loss_from_config(config);
}

std::vector<std::string> metrics_of(const ModelOptions& options, const DataDescription& data) {
  if (options.metrics == std::vector<std::string>{"none"}) return {};
  if (!options.metrics.empty() || data.classes == 0) return options.metrics;
  return {"accuracy"};
}

std::unique_ptr<Optimizer> make_optimizer(const ModelOptions& options) {
  Json config = Json::object();
  const auto put = [&](const char* name, const std::optional<double>& value) {
    if (value) config[name] = *value;
  };
  put("learning_rate", options.learning_rate);
  put("momentum", options.momentum);
  put("weight_decay", options.weight_decay);
  put("clipnorm", options.clipnorm);
  put("global_clipnorm", options.global_clipnorm);
  put("clipvalue", options.clipvalue);
  if (options.nesterov) config["nesterov"] = true;
  return make_optimizer_from_config({{"class_name", options.optimizer}, {"config", config}});
}

}  // namespace recurra::cli
