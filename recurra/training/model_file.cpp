/// A Sequential as one safetensors file: weights as tensors `layer/parameter`, the optimizer's state as
/// `optimizer/layer/parameter/slot`, and as JSON in the metadata the architecture ("model") and what training
/// needs ("training"); where a fit has not come to its end, the states of stateful layers; a user's metadata
/// have "user." before their keys.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/formats/checkpoints.h"
#include "recurra/formats/safetensors.h"
#include "recurra/layers/json_text.h"
#include "recurra/training/checkpoint_states.h"
#include "recurra/training/sequential.h"
#include "recurra/training/training_record.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

// Files of this version and all before it can be read. Version 1 has no training.
constexpr const char* format_version = "2";

constexpr std::string_view user_prefix = "user.";

/// A place in a model for a tensor of the file.
struct Place {
  std::string name;
  Tensor* value;
  bool finite;  // whether it must be
};

/// All weights, and the slots of `optimizer` unless it is null.
std::vector<Place> places_of(const Sequential& model, Optimizer* optimizer) {
  std::vector<Place> places;
  std::vector<Parameter*> trainable;
  std::vector<std::string> names;
  for (const auto& layer : model.layers()) {
    for (Parameter* parameter : layer->parameters()) {
      places.push_back({layer->name() + "/" + parameter->name, &parameter->value, true});
      if (!parameter->trainable) continue;
      trainable.push_back(parameter);
      names.push_back(places.back().name);
    }
  }
  if (optimizer == nullptr) return places;
  std::size_t i = 0;
  for (const OptimizerSlot& slot : optimizer->slots(trainable)) {
    const std::string name = "optimizer/" + names[i++ % names.size()] + "/" + slot.name;
    places.push_back({name, slot.value, false});
  }
  return places;
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

/// What a file may have beside the places: the states of a run that goes on, and what nobody asks for.
bool is_optional(const std::string& name, const Sequential& model, bool has_run, const LoadOptions& options) {
  if (is_state(model.layers(), name)) return has_run || !options.compile;
  return !options.compile && name.starts_with("optimizer/");
}

/// All names that are missing or too many, at once.
void require_same_names(const std::vector<Place>& places,
                        const WeightTable& table,
                        const std::string& path,
                        const std::function<bool(const std::string&)>& is_optional_name) {
  std::string missing;
  std::set<std::string> known;
  for (const Place& place : places) {
    known.insert(place.name);
    if (!table.contains(place.name)) missing.append(missing.empty() ? "" : ", ").append(place.name);
  }
  std::string unknown;
  for (const WeightTable::Entry& entry : table.entries()) {
    if (known.contains(entry.name) || is_optional_name(entry.name)) continue;
    unknown.append(unknown.empty() ? "" : ", ").append(entry.name);
  }
  if (missing.empty() && unknown.empty()) return;
  std::string actual;
  if (!missing.empty()) actual.append("missing ").append(missing);
  if (!unknown.empty()) actual.append(actual.empty() ? "" : "; ").append("unexpected ").append(unknown);
  throw Error(ErrorCode::format, path, "the tensors of its architecture", actual);
}

void take_tensors(const std::vector<Place>& places, const WeightTable& table, const std::string& path) {
  for (const Place& place : places) {
    const Tensor& tensor = table.at(place.name);
    const std::string subject = std::string(path).append(": ").append(place.name);
    if (tensor.dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, subject, "f32", std::string(name_of(tensor.dtype())));
    if (tensor.shape() != place.value->shape()) {
      throw Error(
          ErrorCode::shape, subject, "shape " + place.value->shape().to_string(), tensor.shape().to_string());
    }
    if (place.finite) require_finite(subject, tensor);
    *place.value = tensor;
  }
}

std::string metadata_of(const WeightTable& table, const char* key) {
  const auto found = table.metadata().find(key);
  return found == table.metadata().end() ? std::string() : found->second;
}

Json parse_object(const WeightTable& table, const char* key, const std::string& path) {
  const std::string subject = std::string(path).append(": ").append(key);
  Json json = parse_json(metadata_of(table, key), subject);
  if (json.is_object()) return json;
  throw Error(ErrorCode::format, subject, "a JSON object", "something else");
}

/// Returns the version.
std::string check_format(const WeightTable& table, const std::string& path) {
  const std::string format = metadata_of(table, "format");
  if (format != "recurra") {
    throw Error(ErrorCode::format,
                path,
                "a model of recurra (metadata \"format\": \"recurra\")",
                format.empty() ? "no such metadata" : "\"" + format + "\"");
  }
  std::string version = metadata_of(table, "format_version");
  if (version != "1" && version != format_version)
    throw Error(ErrorCode::unsupported, path + ": format_version", "1, 2", version);
  return version;
}

Json model_json(const Sequential& model) {
  Json json = to_json(model.spec());
  json["class_name"] = "Sequential";
  Json shape = Json::array();
  for (const i64 extent : model.input_shape().extents())
    shape.push_back(extent == any_extent ? Json() : Json(extent));
  json["input_shape"] = shape;
  return json;
}

}  // namespace

/// That of the next update.
Optimizer* Sequential::optimizer_in_use() const noexcept {
  return resumed_optimizer_ != nullptr ? resumed_optimizer_.get() : optimizer_.get();
}

TrainingRecord Sequential::record(const SaveOptions& options) const {
  TrainingRecord record{seed_, epochs_done_, updates_done()};
  const bool compiled = optimizer_ != nullptr && loss_ != nullptr;
  if (!options.include_optimizer || !compiled) return record;
  const Optimizer& optimizer = *optimizer_in_use();
  record.compiled = {optimizer.config().dump(),
                     loss_->config().dump(),
                     metrics_.names(),
                     metrics_.weighted_names(),
                     optimizer.iterations()};
  record.run = run_;
  return record;
}

void Sequential::restore(const TrainingRecord& record, const LoadOptions& options) {
  seed_ = record.seed;
  epochs_done_ = record.epochs_done;
  updates_done_ = static_cast<std::uint64_t>(record.updates_done);
  if (!options.compile || !record.compiled) return;
  compile(make_optimizer_from_config(Json::parse(record.compiled->optimizer)),
          make_loss_from_config(Json::parse(record.compiled->loss)),
          record.compiled->metrics,
          record.compiled->weighted_metrics);
  optimizer_->set_iterations(record.compiled->iterations);
  run_ = record.run;
}

void Sequential::save(const std::filesystem::path& path, const SaveOptions& options) const {
  require_built("save");
  const TrainingRecord training = record(options);
  WeightTable table;
  for (const Place& place : places_of(*this, training.compiled ? optimizer_in_use() : nullptr)) {
    if (place.finite) require_finite(path.string().append(": ").append(place.name), *place.value);
    table.add(place.name, *place.value);
  }
  if (training.run) add_states(layers_, table);
  table.set_metadata("format", "recurra");
  table.set_metadata("format_version", format_version);
  table.set_metadata("model", model_json(*this).dump());
  table.set_metadata("training", to_json(training).dump());
  for (const auto& [key, value] : metadata_) table.set_metadata(std::string(user_prefix).append(key), value);
  write_safetensors(path, table);
}

Sequential Sequential::from_table(const WeightTable& table,
                                  const std::string& path,
                                  const LoadOptions& options) {
  const std::string version = check_format(table, path);
  const Json json = parse_object(table, "model", path);
  Sequential model(parse_model_json(json));
  model.build(parse_shape(json, path));
  if (version != "1") {
    const Json training = parse_object(table, "training", path);
    model.restore(parse_training_record(training, path + ": training"), options);
  }
  const std::vector<Place> places = places_of(model, model.optimizer_.get());
  const bool runs = model.run_.has_value();
  require_same_names(
      places, table, path, [&](const std::string& name) { return is_optional(name, model, runs, options); });
  take_tensors(places, table, path);
  if (runs) take_states(model.layers_, table);
  for (const auto& [key, value] : table.metadata()) {
    if (key.starts_with(user_prefix)) model.metadata_[key.substr(user_prefix.size())] = value;
  }
  model.weights_changed();
  return model;
}

Sequential Sequential::load(const std::filesystem::path& path, const LoadOptions& options) {
  return from_table(read_safetensors(path), path.string(), options);
}

Sequential Sequential::resumed(const WeightTable& table, const std::string& path) {
  Sequential model = from_table(table, path, {});
  if (!model.run_) {
    throw Error(ErrorCode::format,
                path,
                "a checkpoint that fit has written, or a model saved after a stop",
                "a model without its place");
  }
  model.resuming_ = true;
  model.resumed_config_ = model.optimizer_->config().dump();
  return model;
}

Sequential Sequential::resume(const std::filesystem::path& prefix, std::vector<std::string>* skipped) {
  if (std::filesystem::is_regular_file(prefix)) {
    Sequential model = resumed(read_safetensors(prefix), prefix.string());
    model.resumed_from_file_ = true;
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
  return resumed(table, path);
}

}  // namespace recurra
