#include "tests/onednn/problem.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "recurra/base/file.h"
#include "recurra/base/random.h"

namespace recurra::onednn {

namespace {

constexpr i64 least_batch = 7;

std::vector<float> uniform(std::size_t size, float low, float high, Random& random) {
  std::vector<float> values(size);
  for (float& value : values) value = random.uniform(low, high);
  return values;
}

std::vector<float> normal(std::size_t size, Random& random) {
  std::vector<float> values(size);
  for (float& value : values) value = random.normal();
  return values;
}

}  // namespace

const char* name_of(Tensor tensor) {
  constexpr const char* names[] = {"src_layer",
                                   "src_iter",
                                   "src_iter_c",
                                   "attention",
                                   "weights_layer",
                                   "weights_iter",
                                   "weights_peephole",
                                   "weights_projection",
                                   "bias",
                                   "dst_layer",
                                   "dst_iter",
                                   "dst_iter_c"};
  return names[static_cast<std::size_t>(tensor)];
}

std::vector<i64> Problem::shape(Tensor tensor) const {
  const i64 d = directions();
  switch (tensor) {
    case Tensor::src_layer:
      return {steps, batch, input};
    case Tensor::src_iter:
      if (states) return {layers, d, batch, recurrent};
      break;
    case Tensor::src_iter_c:
    case Tensor::dst_iter_c:
      if (states && is_lstm()) return {layers, d, batch, units};
      break;
    case Tensor::attention:
      if (has_attention()) return {steps, batch, 1};
      break;
    case Tensor::weights_layer:
      return {layers, d, input, gates(), units};
    case Tensor::weights_iter:
      return {layers, d, recurrent, gates(), units};
    case Tensor::weights_peephole:
      if (has_peephole()) return {layers, d, 3, units};
      break;
    case Tensor::weights_projection:
      if (has_projection()) return {layers, d, units, width};
      break;
    case Tensor::bias:
      return {layers, d, gates() + (resets_after() ? 1 : 0), units};
    case Tensor::dst_layer:
      return {steps, batch, direction == "concat" ? 2 * width : width};
    case Tensor::dst_iter:
      if (states) return {layers, d, batch, width};
      break;
  }
  return {};
}

std::size_t Problem::size(Tensor tensor) const {
  const std::vector<i64> axes = shape(tensor);
  i64 size = axes.empty() ? 0 : 1;
  for (const i64 axis : axes) size *= axis;
  return static_cast<std::size_t>(size);
}

double Problem::flops() const {
  const i64 projection = has_projection() ? units * width : 0;
  const i64 multiply_adds = (input + recurrent) * gates() * units + projection;
  return 2.0 * static_cast<double>(multiply_adds * directions() * layers * steps * batch);
}

Cell cell_of(const Problem& problem) {
  if (problem.cell == "rnn_tanh") return {"vanilla"};
  if (problem.cell == "rnn_relu") return {"vanilla", {{ActivationKind::relu}}};
  if (problem.cell == "rnn_logistic") return {"vanilla", {{ActivationKind::sigmoid}}};
  if (problem.cell == "lstmp") return {"lstm"};
  if (problem.cell == "lstmp_peephole") return {"lstm_peephole"};
  if (problem.cell == "lbr_gru") return {"gru_reset_after"};
  if (problem.cell == "lbr_augru") return {"augru_reset_after"};
  for (const char* same : {"lstm", "lstm_peephole", "gru", "augru"}) {
    if (problem.cell == same) return {same};
  }
  throw std::runtime_error("no cell of ours for " + problem.cell);
}

Tensors<float> random_inputs(const Problem& problem, std::uint64_t seed) {
  Random random(seed, 0);
  const float limit = 1.0F / std::sqrt(static_cast<float>(problem.units));
  Tensors<float> tensors;
  for (const Tensor tensor : all_tensors) {
    const std::size_t size = problem.size(tensor);
    if (size == 0 || is_output(tensor)) continue;
    if (tensor == Tensor::src_layer) {
      tensors[tensor] = normal(size, random);
    } else if (tensor == Tensor::attention) {
      tensors[tensor] = uniform(size, 0.0F, 1.0F, random);
    } else {
      const bool state = tensor == Tensor::src_iter || tensor == Tensor::src_iter_c;
      tensors[tensor] = uniform(size, state ? -1.0F : -limit, state ? 1.0F : limit, random);
    }
  }
  return tensors;
}

Tensors<float> random_gradients(const Problem& problem, std::uint64_t seed) {
  Random random(seed, 1);
  Tensors<float> tensors;
  for (const Tensor tensor : all_tensors) {
    const std::size_t size = problem.size(tensor);
    if (size > 0 && is_output(tensor)) tensors[tensor] = normal(size, random);
  }
  return tensors;
}

std::vector<Problem> read_problems(const std::string& path) {
  const nlohmann::json file = nlohmann::json::parse(read_file(path));
  std::vector<Problem> problems;
  for (const nlohmann::json& row : file.at("shapes")) {
    problems.push_back({.name = row.at("name"),
                        .cell = row.at("cell"),
                        .direction = row.at("direction"),
                        .layers = row.at("L"),
                        .steps = row.at("T"),
                        .batch = row.at("mb"),
                        .input = row.at("slc"),
                        .recurrent = row.at("sic"),
                        .units = row.at("dhc"),
                        .width = row.at("dic")});
  }
  return problems;
}

Problem reduced(Problem problem, double most) {
  const auto fitting = [&](i64& count, i64 least) {
    const double each = problem.flops() / static_cast<double>(count);
    if (each * static_cast<double>(count) > most && count > least)
      count = std::max(least, static_cast<i64>(most / each));
  };
  fitting(problem.batch, least_batch);
  fitting(problem.steps, 1);
  return problem;
}

}  // namespace recurra::onednn
