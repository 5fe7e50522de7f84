#include "recurra/layers/keras2.h"

#include <string>

#include "recurra/base/error.h"
#include "recurra/layers/json_text.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// Calls visit(class name, config) for a layer and those within it.
template <class Value, class Visit>
void visit_layer(Value& layer, const Visit& visit) {
  if (!layer.is_object() || !layer.contains("class_name") || !layer.contains("config")) return;
  auto& config = layer["config"];
  if (!layer["class_name"].is_string() || !config.is_object()) return;
  visit(layer["class_name"].template get<std::string>(), config);
  for (const char* within : {"layer", "backward_layer"}) {
    if (config.contains(within)) visit_layer(config[within], visit);
  }
}

template <class Value, class Visit>
void visit_layers(Value& model, const Visit& visit) {
  for (auto& layer : model["layers"]) visit_layer(layer, visit);
}

/// By its name alone: with numbers beside it it means the same everywhere.
bool is_hard_sigmoid(const Json& activation) {
  if (!activation.is_object()) return activation == "hard_sigmoid";
  return activation.value("class_name", Json()) == "function" &&
         activation.value("config", Json()) == "hard_sigmoid";
}

}  // namespace

bool is_of_keras2(const Json& model) {
  const Json version = model.value("keras_version", Json());
  if (version.is_string()) {
    const auto text = version.get<std::string>();
    return text.starts_with("1.") || text.starts_with("2.");
  }
  if (!version.is_null())
    throw Error(ErrorCode::format, "model.keras_version", "a string", shown_json(version));
  bool found = false;
  visit_layers(model, [&](const std::string&, const Json& config) {
    for (const char* key : {"batch_input_shape", "time_major", "implementation", "input_length"})
      found = found || config.contains(key);
  });
  return found;
}

void say_in_keras3(Json& model) {
  visit_layers(model, [](const std::string& type, Json& config) {
    for (const char* key : {"activation", "recurrent_activation"}) {
      if (config.contains(key) && is_hard_sigmoid(config[key]))
        config[key] = {{"class_name", "hard_sigmoid"}, {"config", {{"alpha", 0.2}, {"beta", 0.5}}}};
    }
    if (type == "GRU" && !config.contains("reset_after")) config["reset_after"] = false;
  });
}

}  // namespace recurra
