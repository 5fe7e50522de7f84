#include "recurra/cli/row_run.h"

#include <algorithm>
#include <numeric>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

/// The engine's name of a row's cell: rows have oneDNN's.
std::string cell_name(const std::string& name) {
  if (name == "lstm" || name == "gru") return name;
  if (name == "lbr_gru") return "gru_reset_after";
  if (name == "rnn_tanh" || name == "rnn_relu") return "vanilla";
  throw Error(ErrorCode::unsupported, "cell", "lstm, gru, lbr_gru, rnn_tanh, rnn_relu", name);
}

i64 count_of(const Json& json, const char* key) {
  const Json value = json.value(key, Json());
  if (!value.is_number_integer() || value < 1)
    throw Error(ErrorCode::format, key, "a whole number from 1 up", value.dump());
  return value;
}

void refuse_unknown_fields(const Json& json) {
  const Json known = Json::parse(
      R"(["name", "mode", "cell", "layers", "bidirectional", "input", "hidden", "batch", "steps", "dtype", "lengths"])");
  for (const auto& item : json.items()) {
    if (std::ranges::count(known, Json(item.key())) == 0)
      throw Error(ErrorCode::format, item.key(), "one of the fields " + known.dump(), "an unknown field");
  }
}

std::string word_of(const Json& json, const char* key) {
  const Json value = json.value(key, Json());
  if (!value.is_string()) throw Error(ErrorCode::format, key, "a word", value.dump());
  return value;
}

/// A length for each row of the batch, each from 1 to `steps` equally likely; the same at each call.
std::vector<int> uniform_lengths(i64 batch, i64 steps) {
  Random random(1);
  std::vector<int> lengths(static_cast<std::size_t>(batch));
  for (int& length : lengths) {
    const auto drawn = 1 + static_cast<i64>(static_cast<double>(steps) * random.uniform());
    length = static_cast<int>(std::min(steps, drawn));
  }
  return lengths;
}

std::vector<int> lengths_of(const Json& json, const Row& row) {
  if (!json.contains("lengths")) return {};
  const std::string lengths = word_of(json, "lengths");
  if (row.mode == "step") throw Error(ErrorCode::unsupported, "lengths", "none in mode step", lengths);
  if (lengths != "uniform") throw Error(ErrorCode::unsupported, "lengths", "uniform", lengths);
  return uniform_lengths(row.batch, row.steps);
}

}  // namespace

i64 Row::longest() const noexcept {
  return lengths.empty() ? steps : *std::ranges::max_element(lengths);
}

i64 Row::all_steps() const noexcept {
  if (lengths.empty()) return batch * steps;
  return std::accumulate(lengths.begin(), lengths.end(), i64{0});
}

double Row::flops(const StackPlan& plan) const noexcept {
  i64 multiply_adds = 0;  // of a step and row
  for (const Plan& layer : plan.plans()) multiply_adds += layer.input_work() + layer.recurrent_work();
  const double passes = mode == "train" ? 3.0 : 1.0;
  return 2.0 * passes * static_cast<double>(multiply_adds) * static_cast<double>(all_steps());
}

Row parse_row(const Json& json) {
  refuse_unknown_fields(json);
  Row row;
  row.name = word_of(json, "name");
  row.mode = word_of(json, "mode");
  if (row.mode != "infer" && row.mode != "train" && row.mode != "step")
    throw Error(ErrorCode::unsupported, "mode", "infer, train, step", row.mode);
  const std::string dtype = word_of(json, "dtype");
  if (dtype != "f32") throw Error(ErrorCode::unsupported, "dtype", "f32", dtype);
  const Json both = json.value("bidirectional", Json());
  if (!both.is_boolean()) throw Error(ErrorCode::format, "bidirectional", "true or false", both.dump());
  row.batch = count_of(json, "batch");
  row.steps = count_of(json, "steps");
  if (row.mode == "step" && row.steps != 1)
    throw Error(ErrorCode::unsupported, "steps", "1 in mode step", std::to_string(row.steps));
  if (row.mode == "step" && both)
    throw Error(ErrorCode::unsupported, "bidirectional", "false in mode step", "true");
  row.lengths = lengths_of(json, row);
  const std::string cell = word_of(json, "cell");
  Stack::Layer layer{.cell = cell_name(cell), .units = count_of(json, "hidden")};
  if (cell == "rnn_relu") layer.activations = {{ActivationKind::relu}};
  row.stack.input = count_of(json, "input");
  row.stack.layers.assign(static_cast<std::size_t>(count_of(json, "layers")), layer);
  row.stack.direction = both ? Direction::concat : Direction::forward;
  return row;
}

RowRun::RowRun(const Row& row, int threads)
    : row_(row),
      training_(row.mode == "train"),
      plan_(row.stack),
      packs_(plan_, training_ ? PackedWeights::Use::training : PackedWeights::Use::inference) {
  execution_.threads = threads;
  take_weights();
  workspace_.prepare(plan_, {.steps = row.steps, .batch = row.batch, .training = training_});
  call_.steps = row.steps;
  call_.batch = row.batch;
  if (!row_.lengths.empty()) call_.lengths = row_.lengths.data();
  call_.x = time_major<const float>(
      take(row.steps * row.batch * row.stack.input, 1.0F), row.batch, row.stack.input);
  call_.y = time_major(take(row.steps * row.batch * plan_.width(), 0.0F), row.batch, plan_.width());
  if (training_) take_gradients();
  pack();
  if (row.mode == "step")
    stream_.emplace(plan_, packs_, StreamOptions{.batch = row.batch, .chunk = 1, .execution = execution_});
}

/// Numbers of +-range; memory that lives as long as this.
float* RowRun::take(i64 size, float range) {
  Tensor& tensor = tensors_.emplace_back(Shape{size});
  if (range > 0.0F) std::ranges::generate(tensor.as<float>(), [&] { return random_.uniform(-range, range); });
  return tensor.data();
}

void RowRun::take_weights() {
  for (const Plan& plan : plan_.plans()) {
    const i64 columns = plan.cell().gates * plan.units();
    weights_.push_back({.W = take(plan.input() * columns, 0.1F),
                        .U = take(plan.width() * columns, 0.1F),
                        .b = take(columns, 0.1F),
                        .params = take(std::max<i64>(1, plan.cell().params * plan.units()), 0.1F)});
  }
}

void RowRun::take_gradients() {
  const i64 rows = row_.steps * row_.batch;
  back_.dy = time_major<const float>(take(rows * plan_.width(), 1.0F), row_.batch, plan_.width());
  back_.dx = time_major(take(rows * row_.stack.input, 0.0F), row_.batch, row_.stack.input);
  for (const Plan& plan : plan_.plans()) {
    const i64 columns = plan.cell().gates * plan.units();
    gradients_.emplace_back().d_weights = {
        .W = take(plan.input() * columns, 0.0F),
        .U = take(plan.width() * columns, 0.0F),
        .b = take(columns, 0.0F),
        .params = take(std::max<i64>(1, plan.cell().params * plan.units()), 0.0F)};
  }
  back_.runs = gradients_;
}

void RowRun::pack() {
  packs_.pack(plan_, weights_, execution_);
}

void RowRun::run() {
  if (stream_) return stream_->step({call_.x.data, static_cast<std::size_t>(row_.batch * row_.stack.input)});
  if (training_) pack();  // weights change at every training step
  forward(plan_, packs_, call_, workspace_, training_, execution_);
  if (training_) backward(plan_, packs_, call_, back_, workspace_, execution_);
}

}  // namespace recurra::cli
