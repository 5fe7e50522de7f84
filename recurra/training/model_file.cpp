/// A model as one safetensors file: weights as tensors `layer/parameter`, the optimizer's state as
/// `optimizer/layer/parameter/slot`, and as JSON in the metadata the architecture ("model") and what training
/// needs ("training"); where a fit has not come to its end, the states of stateful layers; a user's metadata
/// have "user." before their keys.
#include "recurra/training/model_file.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/formats/safetensors.h"
#include "recurra/training/checkpoint_states.h"
#include "recurra/training/trainable_model.h"
#include "recurra/training/training_record.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

constexpr std::string_view user_prefix = "user.";

/// A place in a model for a tensor of the file.
struct Place {
  std::string name;
  Tensor* value;
  bool finite;  // whether it must be
};

/// All weights, and the slots of `optimizer` unless it is null.
std::vector<Place> places_of(const TrainableModel& model, Optimizer* optimizer) {
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
bool is_optional(const std::string& name,
                 const TrainableModel& model,
                 bool has_run,
                 const LoadOptions& options) {
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

}  // namespace

/// That of the next update.
Optimizer* TrainableModel::optimizer_in_use() const noexcept {
  return resumed_optimizer_ != nullptr ? resumed_optimizer_.get() : optimizer_.get();
}

TrainingRecord TrainableModel::record(const SaveOptions& options) const {
  TrainingRecord record{seed_, epochs_done_, updates_done()};
  if (!options.include_optimizer || !is_compiled()) return record;
  const OutputGoal& goal = goals_[0];
  const Optimizer& optimizer = *optimizer_in_use();
  record.compiled = {optimizer.config().dump(),
                     goal.loss()->config().dump(),
                     goal.metrics().names(),
                     goal.metrics().weighted_names(),
                     optimizer.iterations()};
  record.run = run_;
  return record;
}

void TrainableModel::restore(const TrainingRecord& record, const LoadOptions& options) {
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

void TrainableModel::save(const std::filesystem::path& path, const SaveOptions& options) const {
  require_built("save");
  const Json model = architecture();
  const TrainingRecord training = record(options);
  WeightTable table;
  for (const Place& place : places_of(*this, training.compiled ? optimizer_in_use() : nullptr)) {
    if (place.finite) require_finite(path.string().append(": ").append(place.name), *place.value);
    table.add(place.name, *place.value);
  }
  if (training.run) add_states(layers_, table);
  table.set_metadata("format", "recurra");
  table.set_metadata("format_version", model_format_version);
  table.set_metadata("model", model.dump());
  table.set_metadata("training", to_json(training).dump());
  for (const auto& [key, value] : metadata_) table.set_metadata(std::string(user_prefix).append(key), value);
  write_safetensors(path, table);
}

void TrainableModel::take_file(const WeightTable& table,
                               const std::string& path,
                               const LoadOptions& options) {
  if (check_model_format(table, path) != "1") {
    const Json training = model_file_object(table, "training", path);
    restore(parse_training_record(training, path + ": training"), options);
  }
  const std::vector<Place> places = places_of(*this, optimizer_.get());
  const bool runs = run_.has_value();
  require_same_names(
      places, table, path, [&](const std::string& name) { return is_optional(name, *this, runs, options); });
  take_tensors(places, table, path);
  if (runs) take_states(layers_, table);
  for (const auto& [key, value] : table.metadata()) {
    if (key.starts_with(user_prefix)) metadata_[key.substr(user_prefix.size())] = value;
  }
  weights_changed();
}

void TrainableModel::go_on(const std::string& path, bool from_file) {
  if (!run_) {
    throw Error(ErrorCode::format,
                path,
                "a checkpoint that fit has written, or a model saved after a stop",
                "a model without its place");
  }
  resuming_ = true;
  resumed_config_ = optimizer_->config().dump();
  resumed_from_file_ = from_file;
}

}  // namespace recurra
