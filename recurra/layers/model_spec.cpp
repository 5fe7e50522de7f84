#include "recurra/layers/model_spec.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/batch_normalization.h"
#include "recurra/layers/dense.h"
#include "recurra/layers/lstm.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// Takes arguments out of a config; what is left over is unknown.
class Arguments {
 public:
  Arguments(std::string type, const std::string& config)
      : type_(std::move(type)), values_(Json::parse(config, nullptr, false)) {
    if (!values_.is_object()) throw Error(ErrorCode::format, type_ + ".config", "a JSON object", config);
  }

  template <class T>
  T take(const char* name, T fallback) {
    const auto found = values_.find(name);
    if (found == values_.end()) return fallback;
    const bool fits = std::is_same_v<T, std::string> ? found->is_string()
                      : std::is_same_v<T, bool>      ? found->is_boolean()
                      : std::is_same_v<T, i64>       ? found->is_number_integer()
                                                     : found->is_number();
    if (!fits) throw Error(ErrorCode::format, type_ + "." + name, expected<T>(), found->dump());
    const T value = found->template get<T>();
    values_.erase(found);
    return value;
  }

  void finish(const char* known) const {
    if (!values_.empty())
      throw Error(ErrorCode::unsupported, type_ + " argument", known, values_.begin().key());
  }

 private:
  template <class T>
  static const char* expected() {
    if (std::is_same_v<T, std::string>) return "a string";
    if (std::is_same_v<T, bool>) return "true or false";
    return std::is_same_v<T, i64> ? "an integer" : "a number";
  }

  std::string type_;
  Json values_;
};

std::unique_ptr<Layer> make_lstm(Arguments arguments) {
  const auto name = arguments.take<std::string>("name", "lstm");
  LstmOptions options;
  options.units = arguments.take<i64>("units", 0);
  options.return_sequences = arguments.take<bool>("return_sequences", false);
  arguments.finish("name, units, return_sequences");
  return std::make_unique<Lstm>(options, name);
}

std::unique_ptr<Layer> make_dense(Arguments arguments) {
  const auto name = arguments.take<std::string>("name", "dense");
  const DenseOptions options{arguments.take<i64>("units", 0)};
  arguments.finish("name, units");
  return std::make_unique<Dense>(options, name);
}

std::unique_ptr<Layer> make_batch_normalization(Arguments arguments) {
  const auto name = arguments.take<std::string>("name", "batch_normalization");
  BatchNormalizationOptions options;
  options.momentum = arguments.take<double>("momentum", options.momentum);
  options.epsilon = arguments.take<double>("epsilon", options.epsilon);
  arguments.finish("name, momentum, epsilon");
  return std::make_unique<BatchNormalization>(options, name);
}

struct LayerType {
  const char* text;  // in a short text
  const char* type;  // Keras's class name
  bool has_units;
  bool recurrent;
  std::unique_ptr<Layer> (*make)(Arguments);
};

constexpr LayerType layer_types[] = {
    {"lstm", "LSTM", true, true, make_lstm},
    {"dense", "Dense", true, false, make_dense},
    {"batch_norm", "BatchNormalization", false, false, make_batch_normalization},
};

template <class Matches>
const LayerType& find_type(std::string_view name, const char* LayerType::*label, Matches matches) {
  std::string names;
  for (const LayerType& type : layer_types) {
    if (matches(type)) return type;
    names.append(names.empty() ? "" : ", ").append(type.*label);
  }
  throw Error(ErrorCode::unsupported, "layer", names, std::string(name));
}

i64 parse_units(std::string_view entry, std::string_view text) {
  i64 units = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), units);
  if (code != std::errc{} || end != text.data() + text.size() || units < 1) {
    throw Error(ErrorCode::invalid_argument,
                "layer \"" + std::string(entry) + "\"",
                "units from 1 up behind a colon",
                text.empty() ? "nothing" : std::string(text));
  }
  return units;
}

}  // namespace

ModelSpec parse_model(std::string_view text) {
  struct Entry {
    const LayerType* type;
    Json config;
  };

  std::vector<Entry> entries;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    const std::size_t colon = entry.find(':');
    const std::string_view name = entry.substr(0, colon);
    const LayerType& type =
        find_type(name, &LayerType::text, [&](const LayerType& t) { return name == t.text; });
    const std::string_view units = colon == entry.npos ? std::string_view() : entry.substr(colon + 1);
    Json config = Json::object();
    if (type.has_units) {
      config["units"] = parse_units(entry, units);
    } else if (colon != entry.npos) {
      throw Error(ErrorCode::invalid_argument,
                  "layer \"" + std::string(entry) + "\"",
                  "nothing behind the name",
                  std::string(units));
    }
    if (type.recurrent) {
      for (auto before = entries.rbegin(); before != entries.rend(); ++before) {
        if (before->type->recurrent) before->config["return_sequences"] = true;
      }
    }
    entries.push_back({&type, std::move(config)});
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
  }
  ModelSpec spec;
  for (const Entry& entry : entries) spec.layers.push_back({entry.type->type, entry.config.dump()});
  return spec;
}

ModelSpec parse_model_json(const Json& json) {
  const auto fail = [](const char* where, const char* expected, const Json& actual) {
    throw Error(ErrorCode::format, where, expected, actual.dump().substr(0, 60));
  };
  if (!json.is_object() || !json.contains("layers") || !json["layers"].is_array()) {
    fail("model", "an object with a list \"layers\"", json);
  }
  ModelSpec spec;
  if (json.contains("name")) {
    if (!json["name"].is_string()) fail("model.name", "a string", json["name"]);
    spec.name = json["name"].get<std::string>();
  }
  for (const Json& layer : json["layers"]) {
    if (!layer.is_object() || !layer.contains("class_name") || !layer["class_name"].is_string()) {
      fail("model.layers", "objects with a string \"class_name\"", layer);
    }
    const Json config = layer.value("config", Json::object());
    spec.layers.push_back({layer["class_name"].get<std::string>(), config.dump()});
  }
  return spec;
}

Json to_json(const ModelSpec& spec) {
  Json layers = Json::array();
  for (const ModelSpec::LayerSpec& layer : spec.layers) {
    layers.push_back({{"class_name", layer.type}, {"config", Json::parse(layer.config)}});
  }
  return {{"name", spec.name}, {"layers", std::move(layers)}};
}

std::unique_ptr<Layer> make_layer(const ModelSpec::LayerSpec& spec) {
  const LayerType& type =
      find_type(spec.type, &LayerType::type, [&](const LayerType& t) { return spec.type == t.type; });
  return type.make(Arguments(spec.type, spec.config));
}

}  // namespace recurra
