/// A Sequential as one safetensors file: weights as tensors `layer/parameter`, the architecture as JSON in
/// its metadata.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/formats/safetensors.h"
#include "recurra/training/sequential.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

// Files of this version and all before it can be read.
constexpr const char* format_version = "1";

std::string tensor_name(const Layer& layer, const Parameter& parameter) {
  return layer.name() + "/" + parameter.name;
}

Shape parse_shape(const Json& model, const std::string& path) {
  const Json shape = model.value("input_shape", Json());
  std::vector<i64> extents;
  for (const Json& extent : shape.is_array() ? shape : Json::array()) {
    if (!extent.is_null() && !extent.is_number_integer()) extents.clear();
    if (extent.is_number_integer() || extent.is_null())
      extents.push_back(extent.is_null() ? any_extent : extent.get<i64>());
  }
  const bool valid =
      !extents.empty() && extents.size() == shape.size() &&
      std::ranges::all_of(extents, [](i64 extent) { return extent > 0 || extent == any_extent; });
  if (!valid)
    throw Error(ErrorCode::format, path + ": input_shape", "positive extents or null", shape.dump());
  return Shape(extents);
}

void require_finite(const std::string& subject, const Tensor& tensor) {
  const std::span<const float> values = tensor.as<float>();
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  throw Error(ErrorCode::non_finite,
              subject,
              "finite weights",
              std::to_string(*bad) + " at element " + std::to_string(bad - values.begin()));
}

/// All names that are missing or too many, at once.
void require_same_names(const Sequential& model, const WeightTable& table, const std::string& path) {
  std::string missing;
  std::vector<std::string> known;
  for (const auto& layer : model.layers()) {
    for (const Parameter* parameter : layer->parameters()) {
      known.push_back(tensor_name(*layer, *parameter));
      if (!table.contains(known.back())) missing.append(missing.empty() ? "" : ", ").append(known.back());
    }
  }
  std::string unknown;
  for (const WeightTable::Entry& entry : table.entries()) {
    if (std::ranges::find(known, entry.name) == known.end()) {
      unknown.append(unknown.empty() ? "" : ", ").append(entry.name);
    }
  }
  if (missing.empty() && unknown.empty()) return;
  std::string actual;
  if (!missing.empty()) actual.append("missing ").append(missing);
  if (!unknown.empty()) actual.append(actual.empty() ? "" : "; ").append("unexpected ").append(unknown);
  throw Error(ErrorCode::format, path, "the tensors of its architecture", actual);
}

}  // namespace

void Sequential::save(const std::filesystem::path& path) const {
  if (!built())
    throw Error(ErrorCode::invalid_argument, name_ + ".save", "a built model", "one without weights");
  WeightTable table;
  for (const auto& layer : layers_) {
    for (const Parameter* parameter : layer->parameters())
      table.add(tensor_name(*layer, *parameter), parameter->value);
  }
  Json model = to_json(spec());
  model["class_name"] = "Sequential";
  Json shape = Json::array();
  for (const i64 extent : input_->extents()) shape.push_back(extent == any_extent ? Json() : Json(extent));
  model["input_shape"] = shape;
  table.set_metadata("format", "recurra");
  table.set_metadata("format_version", format_version);
  table.set_metadata("model", model.dump());
  write_safetensors(path, table);
}

Sequential Sequential::load(const std::filesystem::path& path) {
  const WeightTable table = read_safetensors(path);
  const std::string& file = path.string();
  const auto metadata = [&](const char* key) {
    const auto found = table.metadata().find(key);
    return found == table.metadata().end() ? std::string() : found->second;
  };
  if (metadata("format") != "recurra") {
    throw Error(ErrorCode::format,
                file,
                "a model of recurra (metadata \"format\": \"recurra\")",
                metadata("format").empty() ? "no such metadata" : "\"" + metadata("format") + "\"");
  }
  if (metadata("format_version") != format_version) {
    throw Error(
        ErrorCode::unsupported, file + ": format_version", format_version, metadata("format_version"));
  }
  const Json json = Json::parse(metadata("model"), nullptr, false);
  if (!json.is_object()) throw Error(ErrorCode::format, file + ": model", "a JSON object", "something else");
  Sequential model(parse_model_json(json));
  model.build(parse_shape(json, file));
  require_same_names(model, table, file);
  for (const auto& layer : model.layers_) {
    for (Parameter* parameter : layer->parameters()) {
      const std::string name = tensor_name(*layer, *parameter);
      const Tensor& tensor = table.at(name);
      const std::string subject = std::string(file).append(": ").append(name);
      if (tensor.dtype() != Dtype::f32)
        throw Error(ErrorCode::dtype, subject, "f32", std::string(name_of(tensor.dtype())));
      if (tensor.shape() != parameter->value.shape()) {
        throw Error(ErrorCode::shape,
                    subject,
                    "shape " + parameter->value.shape().to_string(),
                    tensor.shape().to_string());
      }
      require_finite(subject, tensor);
      parameter->value = tensor;
    }
  }
  model.parameters_changed();
  return model;
}

}  // namespace recurra
