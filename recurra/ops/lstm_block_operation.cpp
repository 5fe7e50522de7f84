#include "recurra/ops/lstm_block_operation.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/engine/activations.h"

namespace recurra::ops {

namespace {

// Where i, f, z, o, the cell's gates in their order, stand in the weights' columns.
constexpr int gate_places[] = {0, 2, 1, 3};

// The outputs that are states of the cell: place k has state k + 1.
constexpr LstmBlockOperation::Output state_outputs[] = {LstmBlockOperation::c,
                                                        LstmBlockOperation::i,
                                                        LstmBlockOperation::f,
                                                        LstmBlockOperation::z,
                                                        LstmBlockOperation::o};

}  // namespace

LstmBlockOperation::LstmBlockOperation(const char* name,
                                       Inputs inputs,
                                       const LstmConfiguration& configuration,
                                       const Tensor* max_ts_length,
                                       StepCount count,
                                       const OpOptions& options)
    : Operation(name, std::move(inputs), options), configuration_(configuration), count_(count) {
  check_clip("clipping_cell_value", configuration_.clipping_cell_value);
  check_finite("forget_bias", configuration_.forget_bias);
  n_ = check_x(x, configuration_.format, count_);
  check_tensors();
  take_length(max_ts_length);
  const char* plain = configuration_.peephole ? "lstm_peephole" : "lstm";
  const Recurrence recurrence{.cell = configuration_.return_gates ? "lstm_gates" : plain,
                              .input = n_.width,
                              .units = units_,
                              .clip = configuration_.clipping_cell_value};
  run_.emplace(std::span(&recurrence, 1), this->options());
}

void LstmBlockOperation::check_peepholes() const {
  const std::pair<Input, const char*> peepholes[] = {{input_peephole, "weights.input_peephole"},
                                                     {forget_peephole, "weights.forget_peephole"},
                                                     {output_peephole, "weights.output_peephole"}};
  for (const auto& [place, field] : peepholes) {
    if (configuration_.peephole) {
      check_given(place, field);
      check_shape(place, field, {units_}, "(units,)");
    } else if (has(place)) {
      throw Error(ErrorCode::invalid_argument,
                  subject(field),
                  "none where the configuration has no peephole",
                  input(place)->shape().to_string());
    }
  }
}

void LstmBlockOperation::check_tensors() {
  check_given(weights, "weights.weights");
  check_rank(weights, "weights.weights", 2, "(features + units, 4 * units)");
  units_ = units_of(weights, "weights.weights", 4);
  check_shape(weights, "weights.weights", {n_.width + units_, 4 * units_}, "(features + units, 4 * units)");
  check_shape(biases, "weights.biases", {4 * units_}, "(4 * units,)");
  check_peepholes();
  check_shape(c_last, "c_last", {n_.batch, units_}, "(batch, units)");
  check_shape(y_last, "y_last", {n_.batch, units_}, "(batch, units)");
}

void LstmBlockOperation::take_length(const Tensor* max_ts_length) {
  if (max_ts_length == nullptr) return;
  if (count_ == StepCount::one)
    throw Error(ErrorCode::unsupported, subject("max_ts_length"), "none for one step", "a tensor");
  if (max_ts_length->size() != 1) {
    throw Error(ErrorCode::shape, subject("max_ts_length"), "one number", max_ts_length->shape().to_string());
  }
  Tensor one = *max_ts_length;
  one.reshape({1});
  const std::vector<int> length = lengths_of(&one, 1, n_.steps);
  if (!configuration_.ignore_max_ts_length && length[0] < n_.steps)
    lengths_.assign(static_cast<std::size_t>(n_.batch), length[0]);
}

/// What does not lie as the engine can read it.
void LstmBlockOperation::gather_weights() {
  const auto n = static_cast<std::size_t>(units_);
  if (configuration_.forget_bias != 0) {
    biases_.assign(4 * n, 0);
    if (has(biases)) std::copy_n(data(biases), 4 * units_, biases_.data());
    for (std::size_t u = 0; u < n; ++u) biases_[2 * n + u] += configuration_.forget_bias;
  }
  if (!configuration_.peephole) return;
  params_.resize(3 * n);
  for (const int k : {0, 1, 2}) std::copy_n(data(input_peephole + k), units_, params_.data() + k * units_);
}

Weights LstmBlockOperation::engine_weights() const {
  const WeightStrides strides{4 * units_, units_, 1, gate_places};
  return {.W = data(weights),
          .U = data(weights) + n_.width * 4 * units_,
          .b = biases_.empty() ? data(biases) : biases_.data(),
          .params = params_.empty() ? nullptr : params_.data(),
          .W_strides = strides,
          .U_strides = strides,
          .b_strides = strides};
}

void LstmBlockOperation::place_outputs(Call& call, std::vector<Tensor>& all) {
  const auto place = [&](Output output) {
    return write_sequence(configuration_.format, output_sizes(), all[output], copies_[output]);
  };
  call.y = place(y);
  for (std::size_t k = 0; k < (configuration_.return_gates ? std::size(state_outputs) : 1); ++k)
    call.states[k + 1] = place(state_outputs[k]);
}

std::vector<Tensor> LstmBlockOperation::forward(bool training) {
  std::vector<Tensor> all(outputs);
  Call& call = run_->call(0);
  call.steps = n_.steps;
  call.batch = n_.batch;
  call.x = read_sequence(configuration_.format, *input(x), n_, x_copy_);
  if (!lengths_.empty()) call.lengths = lengths_.data();
  call.initial[0] = data(y_last);
  call.initial[1] = data(c_last);
  place_outputs(call, all);
  gather_weights();
  run_->pack(0, engine_weights(), training);
  run_->forward(training);
  for (const Output output : {i, c, f, o, z, y}) {
    if (all[output].shape() == Shape{0}) continue;
    finish_sequence(configuration_.format, output_sizes(), all[output], copies_[output]);
  }
  if (configuration_.return_gates) {
    all[h] = Tensor(all[c].shape());
    activate({ActivationKind::tanh}, all[c].as<float>(), all[h].as<float>(), run_->plan(0).target());
    tanh_c_ = all[h].data();
  }
  for (Tensor& one : all) {
    if (count_ == StepCount::one && one.shape().rank() == 3) one.reshape({n_.batch, units_});
  }
  keep_shapes(all);
  return all;
}

/// The gradient of c from outside: its own, and h's, which is tanh(c).
Tensor LstmBlockOperation::cell_seed(const Tensor* c_seed, const Tensor* h_seed) const {
  Tensor all = c_seed != nullptr ? *c_seed : Tensor(h_seed->shape());
  if (h_seed == nullptr) return all;
  float* to = all.data();
  const float* d_h = h_seed->data();
  for (i64 k = 0; k < all.size(); ++k) to[k] += d_h[k] * (1 - tanh_c_[k] * tanh_c_[k]);
  return all;
}

void LstmBlockOperation::place_seeds(BackwardCall& back, const std::vector<const Tensor*>& seeds) {
  const auto read = [&](const Tensor& seed, Output output) {
    return read_sequence(configuration_.format, seed, output_sizes(), seed_copies_[output]);
  };
  if (seeds[y] != nullptr) back.dy = read(*seeds[y], y);
  if (seeds[c] != nullptr || seeds[h] != nullptr) {
    cell_seed_ = cell_seed(seeds[c], seeds[h]);
    back.d_states[1] = read(cell_seed_, c);
  }
  for (std::size_t k = 1; k < std::size(state_outputs); ++k) {
    const Output output = state_outputs[k];
    if (seeds[output] != nullptr) back.d_states[k + 1] = read(*seeds[output], output);
  }
}

void LstmBlockOperation::run_backward(const std::vector<const Tensor*>& seeds) {
  BackwardCall& back = run_->back(0);
  back = {};
  place_seeds(back, seeds);
  Tensor* dx = gradient_tensor(x);
  Tensor dx_copy;
  if (dx != nullptr) back.dx = write_sequence(configuration_.format, n_, *dx, dx_copy);
  back.d_initial[0] = gradient(y_last);
  back.d_initial[1] = gradient(c_last);
  const WeightStrides strides{4 * units_, units_, 1, gate_places};
  float* d_weights = gradient(weights);
  std::vector<float> d_params(params_.size());
  back.d_weights = {.W = d_weights,
                    .U = part(d_weights, n_.width * 4 * units_, 1),
                    .b = gradient(biases),
                    .params = d_params.empty() ? nullptr : d_params.data(),
                    .W_strides = strides,
                    .U_strides = strides,
                    .b_strides = strides};
  run_->backward();
  for (const int k : {0, 1, 2}) {
    float* to = gradient(input_peephole + k);
    if (to != nullptr) std::copy_n(d_params.data() + k * units_, units_, to);
  }
  if (dx == nullptr) return;
  finish_sequence(configuration_.format, n_, *dx, dx_copy);
  dx->reshape(input(x)->shape());
}

}  // namespace recurra::ops
