#include "recurra/ops/output_layer_operation.h"

#include <algorithm>

namespace recurra::ops {

OutputLayerOperation::OutputLayerOperation(const OutputLayerKind& kind,
                                           Inputs inputs,
                                           SequenceFormat format,
                                           const Tensor* max_ts_length,
                                           const OpOptions& options)
    : Operation(kind.name, std::move(inputs), options), kind_(kind), format_(format) {
  n_ = check_x(x, format_, kind_.count);
  std::vector<Recurrence> recurrences;
  for (int d = 0; d < kind_.directions; ++d) {
    check_direction(d);
    recurrences.push_back({.cell = kind_.cell, .input = n_.width, .units = units(d), .reverse = d == 1});
  }
  lengths_ = lengths_of(max_ts_length, n_.batch, n_.steps);
  run_.emplace(recurrences, this->options());
  for (int d = 0; d < kind_.directions; ++d) {
    if (has_two_biases(d)) folded_[static_cast<std::size_t>(d)].emplace(run_->plan(d), kind_.gate_places);
  }
}

std::string OutputLayerOperation::field(int direction, const char* name) const {
  if (kind_.directions == 1) return name;
  return (direction == 0 ? "forward_" : "backward_") + std::string(name);
}

void OutputLayerOperation::check_direction(int d) {
  const auto check = [&](Input input, const char* name, const Shape& shape, const std::string& words) {
    check_shape(place(d, input), field(d, name).c_str(), shape, words.c_str());
  };
  const std::string input_field = field(d, "weights.input_weights");
  check_given(place(d, input_weights), input_field.c_str());
  check_given(place(d, recurrent_weights), field(d, "weights.recurrent_weights").c_str());
  const std::string columns = kind_.gates == 1 ? "units" : std::to_string(kind_.gates) + " * units";
  check_rank(place(d, input_weights), input_field.c_str(), 2, "(features, " + columns + ")");
  const i64 n = units_[static_cast<std::size_t>(d)] =
      units_of(place(d, input_weights), input_field.c_str(), kind_.gates);
  const i64 all = kind_.gates * n;
  check(input_weights, "weights.input_weights", {n_.width, all}, "(features, " + columns + ")");
  check(recurrent_weights, "weights.recurrent_weights", {n, all}, "(units, " + columns + ")");
  if (kind_.joint_biases) {
    check(biases, "weights.biases", {2 * all}, "(2 * " + columns + ",)");
  } else {
    check(biases, "weights.biases", {all}, "(" + columns + ",)");
    check(recurrent_biases, "weights.recurrent_biases", {all}, "(" + columns + ",)");
  }
  check(h_last, "h_last", {n_.batch, n}, "(batch, units)");
}

Weights OutputLayerOperation::weights_of(int d) {
  const i64 columns = kind_.gates * units(d);
  const WeightStrides strides{columns, units(d), 1, kind_.gate_places};
  Weights weights{.W = data(place(d, input_weights)),
                  .U = data(place(d, recurrent_weights)),
                  .b = data(place(d, biases)),
                  .W_strides = strides,
                  .U_strides = strides,
                  .b_strides = strides};
  std::optional<FoldedBias>& folded = folded_[static_cast<std::size_t>(d)];
  if (!folded) return weights;
  if (weights.b == nullptr) {
    zeros_.assign(static_cast<std::size_t>(columns), 0);
    weights.b = zeros_.data();
  }
  folded->fold(weights.b, kind_.joint_biases ? weights.b + columns : data(place(d, recurrent_biases)));
  folded->give(weights);
  weights.b_strides = {};
  return weights;
}

WeightGradients OutputLayerOperation::gradients_of_weights(int d) {
  const WeightStrides strides{kind_.gates * units(d), units(d), 1, kind_.gate_places};
  WeightGradients gradients{.W = gradient(place(d, input_weights)),
                            .U = gradient(place(d, recurrent_weights)),
                            .W_strides = strides,
                            .U_strides = strides};
  std::optional<FoldedBias>& folded = folded_[static_cast<std::size_t>(d)];
  if (folded) {
    folded->take(gradients);
  } else {
    gradients.b = gradient(place(d, biases));
    gradients.b_strides = strides;
  }
  return gradients;
}

/// What the engine left of two biases.
void OutputLayerOperation::spread_biases(int d) {
  const std::optional<FoldedBias>& folded = folded_[static_cast<std::size_t>(d)];
  if (!folded) return;
  const i64 columns = kind_.gates * units(d);
  std::vector<float> unwanted(static_cast<std::size_t>(2 * columns));
  float* input = gradient(place(d, biases));
  float* recurrent = kind_.joint_biases ? part(input, columns, 1) : gradient(place(d, recurrent_biases));
  folded->spread(input != nullptr ? input : unwanted.data(),
                 recurrent != nullptr ? recurrent : unwanted.data() + columns);
}

void OutputLayerOperation::place_outputs(std::vector<Tensor>& all) {
  for (int d = 0; d < kind_.directions; ++d) {
    Sequence& y = run_->call(d).y;
    if (d == 1 && kind_.concatenates) {
      y = run_->call(0).y;
      y.data += units_[0];
    } else {
      y = write_sequence(format_, output_sizes(d), all[place(d, h)], h_copies_[static_cast<std::size_t>(d)]);
    }
    Tensor& final = all[place(d, last)];
    final = Tensor({n_.batch, units(d)});
    run_->call(d).final[0] = final.data();
  }
}

void OutputLayerOperation::finish_outputs(std::vector<Tensor>& all) {
  for (int d = 0; d < (kind_.concatenates ? 1 : kind_.directions); ++d) {
    finish_sequence(format_, output_sizes(d), all[place(d, h)], h_copies_[static_cast<std::size_t>(d)]);
    if (kind_.count == StepCount::one) all[place(d, h)].reshape({n_.batch, units(d)});
  }
}

std::vector<Tensor> OutputLayerOperation::forward(bool training) {
  std::vector<Tensor> all(static_cast<std::size_t>(kind_.directions * outputs_of_direction));
  place_outputs(all);
  const ConstSequence sequence = read_sequence(format_, *input(x), n_, x_copy_);
  for (int d = 0; d < kind_.directions; ++d) {
    Call& call = run_->call(d);
    call.steps = n_.steps;
    call.batch = n_.batch;
    call.x = sequence;
    if (!lengths_.empty()) call.lengths = lengths_.data();
    call.initial[0] = data(place(d, h_last));
    run_->pack(d, weights_of(d), training);
  }
  run_->forward(training);
  finish_outputs(all);
  keep_shapes(all);
  return all;
}

void OutputLayerOperation::place_seeds(const std::vector<const Tensor*>& seeds) {
  for (int d = 0; d < kind_.directions; ++d) {
    BackwardCall& back = run_->back(d);
    back = {};
    const Tensor* final = seeds[place(d, last)];
    if (final != nullptr) back.d_final[0] = final->data();
    if (d == 1 && kind_.concatenates) {
      back.dy = run_->back(0).dy;
      if (back.dy.data != nullptr) back.dy.data += units_[0];
    } else if (seeds[place(d, h)] != nullptr) {
      back.dy = read_sequence(
          format_, *seeds[place(d, h)], output_sizes(d), seed_copies_[static_cast<std::size_t>(d)]);
    }
  }
}

void OutputLayerOperation::run_backward(const std::vector<const Tensor*>& seeds) {
  place_seeds(seeds);
  Tensor* dx = gradient_tensor(x);
  Tensor dx_copy;
  Sequence dx_sequence;
  if (dx != nullptr) dx_sequence = write_sequence(format_, n_, *dx, dx_copy);
  for (int d = 0; d < kind_.directions; ++d) {
    BackwardCall& back = run_->back(d);
    back.dx = dx_sequence;
    back.d_initial[0] = gradient(place(d, h_last));
    back.d_weights = gradients_of_weights(d);
  }
  run_->backward();
  for (int d = 0; d < kind_.directions; ++d) spread_biases(d);
  if (dx == nullptr) return;
  finish_sequence(format_, n_, *dx, dx_copy);
  dx->reshape(input(x)->shape());
}

}  // namespace recurra::ops
