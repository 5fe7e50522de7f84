#include "recurra/ops/lstm_layer_operation.h"

#include <algorithm>

#include "recurra/base/error.h"

namespace recurra::ops {

namespace {

template <class Enum>
void check_enum(Enum value, Enum last, const std::string& subject, const char* names) {
  const int number = static_cast<int>(value);
  if (number < 0 || number > static_cast<int>(last))
    throw Error(ErrorCode::unsupported, subject, names, std::to_string(number));
}

constexpr const char* direction_names[] = {"FWD", "BWD", "BIDIR_SUM", "BIDIR_CONCAT", "BIDIR_EXTRA_DIM"};

[[nodiscard]] const char* name_of(DirectionMode direction) noexcept {
  return direction_names[static_cast<int>(direction)];
}

}  // namespace

LstmLayerOperation::LstmLayerOperation(const char* name,
                                       Inputs inputs,
                                       const LstmLayerConfig& config,
                                       const Tensor* max_ts_length,
                                       StepCount count,
                                       const OpOptions& options)
    : Operation(name, std::move(inputs), options), config_(config), count_(count) {
  check_config();
  if (count_ == StepCount::one) check_one_step(max_ts_length);
  take_x();
  check_tensors();
  lengths_ = lengths_of(max_ts_length, n_.batch, n_.steps);
  mask_last_steps();
  run_.emplace(recurrences(), this->options());
}

void LstmLayerOperation::check_config() const {
  check_enum(config_.format, SequenceFormat::t2ns, subject("format"), "TNS, NST, NTS, T2NS");
  check_enum(config_.direction,
             DirectionMode::bidir_extra_dim,
             subject("direction"),
             "FWD, BWD, BIDIR_SUM, BIDIR_CONCAT, BIDIR_EXTRA_DIM");
  const bool extra = config_.direction == DirectionMode::bidir_extra_dim;
  if (config_.format == SequenceFormat::t2ns && !extra) {
    throw Error(ErrorCode::invalid_argument,
                subject("format"),
                "TNS, NST or NTS for another direction than BIDIR_EXTRA_DIM",
                name_of(config_.format));
  }
  if (extra && config_.format != SequenceFormat::t2ns && config_.format != SequenceFormat::tns) {
    throw Error(ErrorCode::invalid_argument,
                subject("format"),
                "T2NS or TNS for BIDIR_EXTRA_DIM",
                name_of(config_.format));
  }
  check_clip("cell_clip", config_.cell_clip);
  if (!config_.return_sequence && !config_.return_last_h && !config_.return_last_c) {
    throw Error(ErrorCode::invalid_argument,
                subject("config"),
                "at least one of return_sequence, return_last_h and return_last_c",
                "none");
  }
}

void LstmLayerOperation::check_one_step(const Tensor* max_ts_length) const {
  const auto refuse = [&](const char* field, const char* supported, const char* actual) {
    throw Error(ErrorCode::unsupported, subject(field), supported, actual);
  };
  if (max_ts_length != nullptr) refuse("max_ts_length", "none for one step", "a tensor");
  if (config_.format != SequenceFormat::tns) refuse("format", "TNS for one step", name_of(config_.format));
  if (config_.direction != DirectionMode::fwd)
    refuse("direction", "FWD for one step", name_of(config_.direction));
}

void LstmLayerOperation::take_x() {
  check_given(x, "x");
  const Shape& shape = input(x)->shape();
  if (count_ == StepCount::sequence) {
    check_rank(x, "x", 3, describe(config_.format, "features"));
    n_ = sizes_of(config_.format, shape);
  } else if (shape.rank() == 1) {
    check_rank(x, "x", 1, "(features,)");
    n_ = {1, 1, shape[0]};
  } else {
    check_rank(x, "x", 2, "(batch, features) or (features,)");
    n_ = {1, shape[0], shape[1]};
  }
}

Shape LstmLayerOperation::state_shape() const {
  if (count_ == StepCount::one && input(x)->shape().rank() == 1) return {units_};
  return is_both() ? Shape{2, n_.batch, units_} : Shape{n_.batch, units_};
}

void LstmLayerOperation::check_tensors() {
  const auto both = [&](std::initializer_list<i64> extents) {
    std::vector<i64> all(is_both() ? 1 : 0, 2);
    all.insert(all.end(), extents);
    return Shape(all);
  };
  const auto words = [&](const char* one, const char* two) {
    return is_both() ? two : one;
  };
  check_given(input_weights, "weights.input_weights");
  check_given(recurrent_weights, "weights.recurrent_weights");
  const char* input_words = words("(features, 4 * units)", "(2, features, 4 * units)");
  check_rank(input_weights, "weights.input_weights", is_both() ? 3 : 2, input_words);
  units_ = units_of(input_weights, "weights.input_weights", 4);
  check_shape(input_weights, "weights.input_weights", both({n_.width, 4 * units_}), input_words);
  check_shape(recurrent_weights,
              "weights.recurrent_weights",
              both({units_, 4 * units_}),
              words("(units, 4 * units)", "(2, units, 4 * units)"));
  check_shape(biases, "weights.biases", both({4 * units_}), words("(4 * units,)", "(2, 4 * units)"));
  const char* state_words =
      state_shape().rank() == 1 ? "(units,)" : words("(batch, units)", "(2, batch, units)");
  check_shape(y_last, "y_last", state_shape(), state_words);
  check_shape(c_last, "c_last", state_shape(), state_words);
  check_shape(peephole_weights,
              "weights.peephole_weights",
              both({3 * units_}),
              words("(3 * units,)", "(2, 3 * units)"));
}

std::vector<Recurrence> LstmLayerOperation::recurrences() const {
  const auto activation = [&](RnnActivation kind, auto alpha, auto beta, const char* field) {
    return activation_of(kind, alpha, beta, subject(field));
  };
  const Activation gate = activation(config_.gate_activation, config_.gate_alpha, config_.gate_beta, "gate");
  const Activation cell = activation(config_.cell_activation, config_.cell_alpha, config_.cell_beta, "cell");
  const Activation out = activation(config_.out_activation, config_.out_alpha, config_.out_beta, "out");
  Recurrence one{.cell = has(peephole_weights) ? "lstm_peephole" : "lstm",
                 .input = n_.width,
                 .units = units_,
                 .reverse = config_.direction == DirectionMode::bwd,
                 .clip = config_.cell_clip};
  const Activation sigmoid{ActivationKind::sigmoid};
  const Activation tanh{ActivationKind::tanh};
  if (gate != sigmoid || cell != tanh || out != tanh) one.activations = {gate, gate, cell, gate, out};
  std::vector<Recurrence> all{one};
  if (!is_both()) return all;
  one.reverse = true;
  all.push_back(one);
  return all;
}

/// The one case in which a row's steps do not begin with its first.
void LstmLayerOperation::mask_last_steps() {
  if (!config_.right_aligned_bwd || config_.direction != DirectionMode::bwd || lengths_.empty()) return;
  mask_.assign(static_cast<std::size_t>(n_.batch * n_.steps), 0);
  for (i64 row = 0; row < n_.batch; ++row)
    std::fill_n(mask_.end() - (n_.batch - 1 - row) * n_.steps - lengths_[static_cast<std::size_t>(row)],
                lengths_[static_cast<std::size_t>(row)],
                static_cast<unsigned char>(1));
}

WeightsOf<const float> LstmLayerOperation::weights_of(int d) const {
  return {.W = part(data(input_weights), n_.width * 4 * units_, d),
          .U = part(data(recurrent_weights), units_ * 4 * units_, d),
          .b = part(data(biases), 4 * units_, d),
          .params = part(data(peephole_weights), 3 * units_, d)};
}

WeightGradients LstmLayerOperation::gradients_of_weights(int d) {
  return {.W = part(gradient(input_weights), n_.width * 4 * units_, d),
          .U = part(gradient(recurrent_weights), units_ * 4 * units_, d),
          .b = part(gradient(biases), 4 * units_, d),
          .params = part(gradient(peephole_weights), 3 * units_, d)};
}

SequenceSizes LstmLayerOperation::output_sizes() const noexcept {
  return {n_.steps, n_.batch, config_.direction == DirectionMode::bidir_concat ? 2 * units_ : units_};
}

std::array<Sequence, 2> LstmLayerOperation::place_outputs(Tensor& h) {
  const i64 size = n_.batch * units_;
  if (config_.direction == DirectionMode::bidir_extra_dim) {
    h = Tensor::recycled({n_.steps, 2, n_.batch, units_});
    return {Sequence{h.data(), 2 * size, units_}, Sequence{h.data() + size, 2 * size, units_}};
  }
  if (config_.direction == DirectionMode::bidir_sum) {
    // Each stays as it is for the way back: the sum is made beside them.
    for (Tensor& one : summands_) one = Tensor::recycled({n_.batch, n_.steps, units_});
    return {batch_major(summands_[0].data(), n_.steps, units_),
            batch_major(summands_[1].data(), n_.steps, units_)};
  }
  const Sequence all = write_sequence(config_.format, output_sizes(), h, h_copy_);
  return {all, Sequence{all.data + (is_both() ? units_ : 0), all.step_stride, all.row_stride}};
}

void LstmLayerOperation::finish_outputs(Tensor& h) {
  if (config_.direction == DirectionMode::bidir_extra_dim) return;
  if (config_.direction == DirectionMode::bidir_sum) {
    const Sequence all = write_sequence(config_.format, output_sizes(), h, h_copy_);
    const float* first = summands_[0].data();
    const float* second = summands_[1].data();
    for (i64 row = 0; row < n_.batch; ++row) {
      for (i64 step = 0; step < n_.steps; ++step, first += units_, second += units_) {
        float* to = all.data + row * all.row_stride + step * all.step_stride;
        for (i64 u = 0; u < units_; ++u) to[u] = first[u] + second[u];
      }
    }
  }
  finish_sequence(config_.format, output_sizes(), h, h_copy_);
}

std::array<ConstSequence, 2> LstmLayerOperation::place_seeds(const Tensor& seed) {
  const i64 size = n_.batch * units_;
  if (config_.direction == DirectionMode::bidir_extra_dim)
    return {ConstSequence{seed.data(), 2 * size, units_},
            ConstSequence{seed.data() + size, 2 * size, units_}};
  const ConstSequence all = read_sequence(config_.format, seed, output_sizes(), seed_copy_);
  const i64 second = config_.direction == DirectionMode::bidir_concat ? units_ : 0;
  return {all, ConstSequence{all.data + second, all.step_stride, all.row_stride}};
}

void LstmLayerOperation::zero_empty_rows(Tensor& states) const {
  if (!config_.zero_states_of_empty_rows || lengths_.empty()) return;
  for (i64 d = 0; d < directions(); ++d) {
    for (i64 row = 0; row < n_.batch; ++row) {
      if (lengths_[static_cast<std::size_t>(row)] == 0)
        std::fill_n(states.data() + (d * n_.batch + row) * units_, units_, 0.0F);
    }
  }
}

std::vector<Tensor> LstmLayerOperation::forward(bool training) {
  std::vector<Tensor> outputs(3);
  std::array<Sequence, 2> y{};
  if (config_.return_sequence) y = place_outputs(outputs[h]);
  if (config_.return_last_h) outputs[h_last] = Tensor(state_shape());
  if (config_.return_last_c) outputs[c_last_output] = Tensor(state_shape());
  const i64 size = n_.batch * units_;
  const ConstSequence sequence = read_sequence(config_.format, *input(x), n_, x_copy_);
  for (int d = 0; d < directions(); ++d) {
    Call& call = run_->call(d);
    call.steps = n_.steps;
    call.batch = n_.batch;
    call.x = sequence;
    call.y = y[static_cast<std::size_t>(d)];
    if (!mask_.empty()) call.mask = mask_.data();
    if (mask_.empty() && !lengths_.empty()) call.lengths = lengths_.data();
    call.initial[0] = part(data(y_last), size, d);
    call.initial[1] = part(data(c_last), size, d);
    if (config_.return_last_h) call.final[0] = outputs[h_last].data() + d * size;
    if (config_.return_last_c) call.final[1] = outputs[c_last_output].data() + d * size;
    run_->pack(d, weights_of(d), training);
  }
  run_->forward(training);
  if (config_.return_sequence) finish_outputs(outputs[h]);
  if (config_.return_last_h) zero_empty_rows(outputs[h_last]);
  if (config_.return_last_c) zero_empty_rows(outputs[c_last_output]);
  keep_shapes(outputs);
  return outputs;
}

void LstmLayerOperation::run_backward(const std::vector<const Tensor*>& seeds) {
  const i64 size = n_.batch * units_;
  std::array<ConstSequence, 2> dy{};
  if (seeds[h] != nullptr) dy = place_seeds(*seeds[h]);
  Tensor final_seeds[2];
  for (const int k : {0, 1}) {
    const Tensor* seed = seeds[static_cast<std::size_t>(h_last + k)];
    if (seed == nullptr) continue;
    final_seeds[k] = *seed;
    zero_empty_rows(final_seeds[k]);
  }
  Tensor dx_copy;
  Tensor* dx = gradient_tensor(x);
  Sequence dx_sequence;
  if (dx != nullptr) dx_sequence = write_sequence(config_.format, n_, *dx, dx_copy);
  for (int d = 0; d < directions(); ++d) {
    BackwardCall& back = run_->back(d);
    back = {};
    back.dy = dy[static_cast<std::size_t>(d)];
    for (const int k : {0, 1}) {
      if (final_seeds[k].size() > 0) back.d_final[k] = final_seeds[k].data() + d * size;
    }
    back.dx = dx_sequence;
    back.d_initial[0] = part(gradient(y_last), size, d);
    back.d_initial[1] = part(gradient(c_last), size, d);
    back.d_weights = gradients_of_weights(d);
  }
  run_->backward();
  if (dx == nullptr) return;
  finish_sequence(config_.format, n_, *dx, dx_copy);
  dx->reshape(input(x)->shape());
}

LstmLayerGradients lstm_layer_gradients(std::vector<Tensor> g) {
  using Op = LstmLayerOperation;
  return {.x = std::move(g[Op::x]),
          .weights = {std::move(g[Op::input_weights]),
                      std::move(g[Op::recurrent_weights]),
                      std::move(g[Op::biases]),
                      std::move(g[Op::peephole_weights])},
          .c_last = std::move(g[Op::c_last]),
          .y_last = std::move(g[Op::y_last])};
}

}  // namespace recurra::ops
