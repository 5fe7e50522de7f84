/// A Sequential's files: its architecture, and how it comes back.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/formats/checkpoints.h"
#include "recurra/formats/safetensors.h"
#include "recurra/training/model_file.h"
#include "recurra/training/sequential.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

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

}  // namespace

Json Sequential::architecture() const {
  Json json = to_json(spec());
  json["class_name"] = "Sequential";
  Json shape = Json::array();
  for (const i64 extent : input_shape().extents())
    shape.push_back(extent == any_extent ? Json() : Json(extent));
  json["input_shape"] = shape;
  return json;
}

Sequential Sequential::from_table(const WeightTable& table,
                                  const std::string& path,
                                  const LoadOptions& options) {
  static_cast<void>(check_model_format(table, path));
  const Json json = model_file_object(table, "model", path);
  Sequential model(parse_model_json(json));
  model.build(parse_shape(json, path));
  model.take_file(table, path, options);
  return model;
}

Sequential Sequential::load(const std::filesystem::path& path, const LoadOptions& options) {
  return from_table(read_safetensors(path), path.string(), options);
}

Sequential Sequential::resume(const std::filesystem::path& prefix, std::vector<std::string>* skipped) {
  if (std::filesystem::is_regular_file(prefix)) {
    Sequential model = from_table(read_safetensors(prefix), prefix.string(), {});
    model.go_on(prefix.string(), true);
    return model;
  }
  const Checkpoints checkpoints(prefix);
  const std::vector<std::filesystem::path> there = checkpoints.newest_first();
  std::vector<std::string> damaged;
  WeightTable table;
  try {
    table = checkpoints.load_newest(&damaged);
  } catch (...) {
    if (skipped != nullptr) *skipped = std::move(damaged);
    throw;
  }
  const std::string path = there.at(damaged.size()).string();
  if (skipped != nullptr) *skipped = std::move(damaged);
  Sequential model = from_table(table, path, {});
  model.go_on(path, false);
  return model;
}

}  // namespace recurra
