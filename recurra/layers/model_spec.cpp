#include "recurra/layers/model_spec.h"

#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/json_text.h"
#include "recurra/layers/keras2.h"
#include "recurra/layers/layer_types.h"
#include "recurra/stack/recurrent_op.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

const LayerType& find_text(std::string_view name) {
  std::string names;
  for (const LayerType& type : layer_types()) {
    if (type.form == TextForm::absent) continue;
    if (name == type.text) return type;
    names.append(names.empty() ? "" : ", ").append(type.text);
  }
  throw Error(ErrorCode::unsupported, "layer", names, std::string(name));
}

const LayerType& find_type(std::string_view name) {
  std::string names;
  for (const LayerType& type : layer_types()) {
    if (type.wrapped != nullptr) continue;
    if (name == type.type) return type;
    names.append(names.empty() ? "" : ", ").append(type.type);
  }
  throw Error(ErrorCode::unsupported, "layer", names, std::string(name));
}

/// Name and what stands behind the colon of one entry of a short text.
struct Entry {
  std::string_view whole;
  std::string_view behind;
  bool colon = false;

  [[noreturn]] void fail(const char* expected) const {
    throw Error(ErrorCode::invalid_argument,
                std::string("layer \"").append(whole).append("\""),
                expected,
                behind.empty() ? "nothing" : std::string(behind));
  }
};

template <class Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc{} && end == text.data() + text.size();
}

void read_units(const Entry& entry, Json& config) {
  i64 units = 0;
  if (!parse_whole(entry.behind, units) || units < 1) entry.fail("units from 1 up behind a colon");
  config["units"] = units;
}

void read_sizes(const Entry& entry, Json& config) {
  const std::size_t cross = entry.behind.find('x');
  i64 ids = 0;
  i64 width = 0;
  if (cross == std::string_view::npos || !parse_whole(entry.behind.substr(0, cross), ids) ||
      !parse_whole(entry.behind.substr(cross + 1), width) || ids < 1 || width < 1)
    entry.fail("number of ids and width behind a colon, as 1000x64");
  config["input_dim"] = ids;
  config["output_dim"] = width;
}

/// `bilstm:512x3`: the op, with bi in front for both directions, the units and the layers.
void read_stack(const Entry& entry, Json& config) {
  constexpr const char* expected =
      "an op (lstm, gru, rnnTanh, rnnReLU, or of both directions bilstm, …), units and layers, as "
      "bilstm:512x3";
  const std::size_t colon = entry.behind.find(':');
  const std::size_t cross = entry.behind.find('x', colon);
  i64 units = 0;
  i64 layers = 0;
  if (colon == std::string_view::npos || cross == std::string_view::npos ||
      !parse_whole(entry.behind.substr(colon + 1, cross - colon - 1), units) ||
      !parse_whole(entry.behind.substr(cross + 1), layers) || units < 1 || layers < 1)
    entry.fail(expected);
  std::string_view op = entry.behind.substr(0, colon);
  const bool both = op.starts_with("bi");
  if (both) op.remove_prefix(2);
  config["recurrent_op"] = name_of(parse_recurrent_op(op, "rnn_stack"));
  config["units"] = units;
  config["layers"] = layers;
  config["bidirectional"] = both;
  config["return_sequences"] = false;  // as of the other recurrent layers, unless one follows
}

void read_rate(const Entry& entry, Json& config) {
  double rate = 0;
  if (!parse_whole(entry.behind, rate) || !(rate >= 0 && rate <= 1))
    entry.fail("a rate from 0 to 1 behind a colon");
  config["rate"] = rate;
}

void read_behind(const LayerType& type, const Entry& entry, Json& config) {
  switch (type.form) {
    case TextForm::units:
      read_units(entry, config);
      return;
    case TextForm::stack:
      read_stack(entry, config);
      return;
    case TextForm::sizes:
      read_sizes(entry, config);
      return;
    case TextForm::rate:
      read_rate(entry, config);
      return;
    case TextForm::activation:
      config["activation"] = std::string(entry.behind);
      static_cast<void>(make_layer({type.type, config.dump()}));  // throws for an unknown name
      return;
    case TextForm::nothing:
    case TextForm::absent:
      if (entry.colon) entry.fail("nothing behind the name");
  }
}

[[noreturn]] void fail_json(const char* where, const char* expected, const Json& actual) {
  throw Error(ErrorCode::format, where, expected, shown_json(actual));
}

/// The shape an InputLayer declares, without the batch axis.
Shape read_input_shape(const Json& config) {
  const char* const key = config.contains("batch_shape") ? "batch_shape" : "batch_input_shape";
  const Json shape = config.value(key, Json());
  std::vector<i64> extents;
  for (std::size_t axis = 1; shape.is_array() && axis < shape.size(); ++axis) {
    const bool valid =
        shape[axis].is_null() || (shape[axis].is_number_integer() && shape[axis].get<i64>() > 0);
    if (!valid) fail_json("InputLayer.batch_shape", "positive extents or null", shape);
    extents.push_back(shape[axis].is_null() ? any_extent : shape[axis].get<i64>());
  }
  if (!shape.is_array() || shape.empty()) fail_json("InputLayer.batch_shape", "a list of extents", shape);
  return Shape(extents);
}

/// Keras's policy of computing in f32, as a name or an object.
bool is_float32(const Json& dtype) {
  if (dtype.is_null() || dtype == "float32") return true;
  if (!dtype.is_object() || !dtype.contains("config") || !dtype["config"].is_object()) return false;
  return dtype["config"].value("name", Json()) == "float32";
}

void take_dtype(Arguments& arguments) {
  const Json dtype = arguments.take_json("dtype");
  if (is_float32(dtype)) return;
  throw Error(ErrorCode::unsupported, arguments.subject("dtype"), "float32", plain_text(dtype));
}

/// Of a recurrent layer's config, or of those it wraps.
void return_sequences_of(Json& config) {
  bool wraps = false;
  for (const char* key : {"layer", "backward_layer"}) {
    if (!config.contains(key)) continue;
    config[key]["config"]["return_sequences"] = true;
    wraps = true;
  }
  if (!wraps) config["return_sequences"] = true;
}

/// What Keras's to_json gives has the model's config inside, beside the version.
Json unwrapped_model(const Json& model) {
  require_shallow(model, "model");
  if (!model.is_object()) fail_json("model", "an object with a list \"layers\"", model);
  const Json type = model.value("class_name", Json("Sequential"));
  if (!type.is_string()) fail_json("model.class_name", "a string", type);
  // Layers of another class are no chain.
  if (type != "Sequential")
    throw Error(ErrorCode::unsupported, "model", "Sequential", type.get<std::string>());
  Json json = model.contains("class_name") && model.contains("config") ? model["config"] : model;
  if (!json.is_object() || !json.contains("layers") || !json["layers"].is_array())
    fail_json("model", "an object with a list \"layers\"", json);
  if (model.contains("keras_version")) json["keras_version"] = model["keras_version"];
  if (is_of_keras2(json)) say_in_keras3(json);
  return json;
}

/// The config that a spec holds as text. Throws Error (format) unless it is a JSON object.
Json config_in(const ModelSpec::LayerSpec& spec) {
  Json config = parse_json(spec.config, spec.type);
  if (config.is_object()) return config;
  if (config.is_discarded()) config = spec.config;
  throw Error(ErrorCode::format, spec.type + ".config", "a JSON object", shown_json(config));
}

}  // namespace

ModelSpec parse_model(std::string_view text) {
  struct Part {
    const LayerType* type;
    Json config;
  };

  std::vector<Part> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    Entry entry{text.substr(0, comma), {}};
    const std::size_t colon = entry.whole.find(':');
    entry.colon = colon != std::string_view::npos;
    if (entry.colon) entry.behind = entry.whole.substr(colon + 1);
    const LayerType& type = find_text(entry.whole.substr(0, colon));
    Json config = Json::object();
    read_behind(type, entry, config);
    if (type.wrapped != nullptr) config = {{"layer", {{"class_name", type.wrapped}, {"config", config}}}};
    for (Part& before : parts) {
      if (type.recurrent && before.type->recurrent) return_sequences_of(before.config);
    }
    parts.push_back({&type, std::move(config)});
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  ModelSpec spec;
  for (const Part& part : parts) spec.layers.push_back({part.type->type, part.config.dump()});
  return spec;
}

void return_sequences(ModelSpec& spec) {
  for (ModelSpec::LayerSpec& layer : spec.layers) {
    if (!find_type(layer.type).recurrent) continue;
    Json config = config_in(layer);
    return_sequences_of(config);
    layer.config = config.dump();
  }
}

ModelSpec parse_model_json(const Json& model) {
  const Json json = unwrapped_model(model);
  ModelSpec spec;
  if (json.contains("name")) {
    if (!json["name"].is_string()) fail_json("model.name", "a string", json["name"]);
    spec.name = json["name"].get<std::string>();
  }
  for (const Json& layer : json["layers"]) {
    if (!layer.is_object() || !layer.contains("class_name") || !layer["class_name"].is_string())
      fail_json("model.layers", "objects with a string \"class_name\"", layer);
    const Json config = layer.value("config", Json::object());
    const auto type = layer["class_name"].get<std::string>();
    if (type == "InputLayer" && config.is_object()) {
      spec.input = read_input_shape(config);
    } else {
      spec.layers.push_back({type, config.dump()});
    }
  }
  return spec;
}

Json to_json(const ModelSpec& spec) {
  Json layers = Json::array();
  for (const ModelSpec::LayerSpec& layer : spec.layers) {
    layers.push_back({{"class_name", layer.type}, {"config", config_in(layer)}});
  }
  return {{"name", spec.name}, {"layers", std::move(layers)}};
}

std::unique_ptr<Layer> make_layer(const ModelSpec::LayerSpec& spec) {
  const LayerType& type = find_type(spec.type);
  Arguments arguments(spec.type, config_in(spec));
  auto name = arguments.take<std::string>("name", type.name);
  const bool trainable = arguments.take<bool>("trainable", true);
  take_dtype(arguments);
  std::unique_ptr<Layer> layer = type.make(arguments, std::move(name));
  // A first layer may carry the model's input, in the words of Keras 2.
  for (const char* passed : {"batch_input_shape", "batch_shape"}) arguments.ignore(passed);
  arguments.finish();
  if (!trainable) layer->set_trainable(false);  // else a layer within keeps its own
  return layer;
}

}  // namespace recurra
