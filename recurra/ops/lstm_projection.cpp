#include "recurra/ops/lstm_projection.h"

#include <algorithm>
#include <optional>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/ops/differentiate.h"
#include "recurra/ops/operation.h"
#include "recurra/ops/run.h"

namespace recurra::ops {

namespace {

class LstmProjectionOperation final : public Operation {
 public:
  enum Input { x, input_weights, recurrent_weights, biases, peephole_weights, projection, c_last, y_last };

  enum Output { h, c };

  LstmProjectionOperation(StepCount count,
                          Inputs inputs,
                          const LstmProjectionConfig& config,
                          const Tensor* max_ts_length,
                          const OpOptions& options)
      : Operation(
            count == StepCount::one ? "lstm_projection_cell" : "lstm_projection", std::move(inputs), options),
        config_(config) {
    check_finite("forget_bias", config_.forget_bias);
    check_clip("cell_clip", config_.cell_clip);
    check_clip("projection_clip", config_.projection_clip);
    n_ = check_x(x, config_.format, count);
    check_tensors();
    lengths_ = lengths_of(max_ts_length, n_.batch, n_.steps);
    const Recurrence recurrence{.cell = has(peephole_weights) ? "lstm_peephole" : "lstm",
                                .input = n_.width,
                                .units = units_,
                                .projection = has(projection) ? width_ : 0,
                                .clip = config_.cell_clip,
                                .projection_clip = config_.projection_clip};
    run_.emplace(std::span(&recurrence, 1), this->options());
  }

  [[nodiscard]] std::vector<Tensor> forward(bool training) override {
    std::vector<Tensor> all(2);
    Call& call = run_->call(0);
    call.steps = n_.steps;
    call.batch = n_.batch;
    call.x = read_sequence(config_.format, *input(x), n_, x_copy_);
    call.y = write_sequence(config_.format, sizes(width_), all[h], h_copy_);
    call.states[1] = write_sequence(config_.format, sizes(units_), all[c], c_copy_);
    if (!lengths_.empty()) call.lengths = lengths_.data();
    call.initial[0] = data(y_last);
    call.initial[1] = data(c_last);
    run_->pack(0,
               {.W = data(input_weights),
                .U = data(recurrent_weights),
                .b = biases_with_forget(),
                .params = data(peephole_weights),
                .P = data(projection)},
               training);
    run_->forward(training);
    finish_sequence(config_.format, sizes(width_), all[h], h_copy_);
    finish_sequence(config_.format, sizes(units_), all[c], c_copy_);
    if (input(x)->shape().rank() == 2) {
      all[h].reshape({n_.batch, width_});
      all[c].reshape({n_.batch, units_});
    }
    keep_shapes(all);
    return all;
  }

 private:
  [[nodiscard]] SequenceSizes sizes(i64 width) const noexcept { return {n_.steps, n_.batch, width}; }

  void check_tensors() {
    check_given(input_weights, "weights.input_weights");
    check_given(recurrent_weights, "weights.recurrent_weights");
    check_rank(input_weights, "weights.input_weights", 2, "(features, 4 * units)");
    units_ = units_of(input_weights, "weights.input_weights", 4);
    check_shape(input_weights, "weights.input_weights", {n_.width, 4 * units_}, "(features, 4 * units)");
    width_ = units_;
    if (!has(projection) && config_.projection_clip > 0) {
      throw Error(ErrorCode::invalid_argument,
                  subject("projection_clip"),
                  "0 without a projection",
                  shortest(config_.projection_clip));
    }
    if (has(projection)) {
      check_rank(projection, "weights.projection", 2, "(units, width)");
      width_ = units_of(projection, "weights.projection", 1);
      check_shape(projection, "weights.projection", {units_, width_}, "(units, width)");
    }
    check_shape(recurrent_weights, "weights.recurrent_weights", {width_, 4 * units_}, "(width, 4 * units)");
    check_shape(biases, "weights.biases", {4 * units_}, "(4 * units,)");
    check_shape(peephole_weights, "weights.peephole_weights", {3 * units_}, "(3 * units,)");
    check_shape(c_last, "c_last", {n_.batch, units_}, "(batch, units)");
    check_shape(y_last, "y_last", {n_.batch, width_}, "(batch, width)");
  }

  [[nodiscard]] const float* biases_with_forget() {
    if (config_.forget_bias == 0) return data(biases);
    biases_.assign(static_cast<std::size_t>(4 * units_), 0);
    if (has(biases)) std::copy_n(data(biases), 4 * units_, biases_.data());
    for (i64 u = units_; u < 2 * units_; ++u) biases_[static_cast<std::size_t>(u)] += config_.forget_bias;
    return biases_.data();
  }

  void run_backward(const std::vector<const Tensor*>& seeds) override {
    BackwardCall& back = run_->back(0);
    back = {};
    if (seeds[h] != nullptr) back.dy = read_sequence(config_.format, *seeds[h], sizes(width_), h_seed_);
    if (seeds[c] != nullptr)
      back.d_states[1] = read_sequence(config_.format, *seeds[c], sizes(units_), c_seed_);
    Tensor* dx = gradient_tensor(x);
    Tensor dx_copy;
    if (dx != nullptr) back.dx = write_sequence(config_.format, n_, *dx, dx_copy);
    back.d_initial[0] = gradient(y_last);
    back.d_initial[1] = gradient(c_last);
    back.d_weights = {.W = gradient(input_weights),
                      .U = gradient(recurrent_weights),
                      .b = gradient(biases),
                      .params = gradient(peephole_weights),
                      .P = gradient(projection)};
    run_->backward();
    if (dx == nullptr) return;
    finish_sequence(config_.format, n_, *dx, dx_copy);
    dx->reshape(input(x)->shape());
  }

  LstmProjectionConfig config_;
  SequenceSizes n_;  // of x
  i64 units_ = 0;
  i64 width_ = 0;  // of the output
  std::vector<int> lengths_;
  std::vector<float> biases_;  // with the forget bias
  std::optional<Run> run_;
  Tensor x_copy_, h_copy_, c_copy_, h_seed_, c_seed_;  // of NST
};

using autograd::Variable;
using Op = LstmProjectionOperation;

template <class T, class Given>
[[nodiscard]] std::vector<const T*> inputs_of(const T& x,
                                              const LstmProjectionWeightsOf<T>& w,
                                              const LstmStartOf<T>& start,
                                              const Given& given) {
  return {&x,
          given(w.input_weights),
          given(w.recurrent_weights),
          given(w.biases),
          given(w.peephole_weights),
          given(w.projection),
          start.c_last,
          start.y_last};
}

[[nodiscard]] Op make_operation(StepCount count,
                                const Tensor& x,
                                const LstmProjectionWeights& weights,
                                const LstmProjectionConfig& config,
                                const LstmStart& start,
                                const OpOptions& options) {
  return {count, inputs_of(x, weights, start, given), config, start.max_ts_length, options};
}

[[nodiscard]] LstmProjectionOutputs run(Op&& operation) {
  std::vector<Tensor> y = operation.forward(false);
  return {std::move(y[Op::h]), std::move(y[Op::c])};
}

[[nodiscard]] LstmProjectionOutputsOf<Variable> run_variables(
    StepCount count,
    const Variable& x,
    const LstmProjectionWeightsOf<Variable>& weights,
    const LstmProjectionConfig& config,
    const LstmStartOf<Variable>& start,
    const OpOptions& options) {
  const Differentiated call(inputs_of(x, weights, start, given_variable), options);
  const std::vector<Variable> y = call.run(
      std::make_shared<Op>(count, call.values(), config, start.max_ts_length, call.options()), {"h", "c"});
  return {y[Op::h], y[Op::c]};
}

[[nodiscard]] LstmProjectionGradients run_gradient(Op&& operation, const LstmProjectionOutputs& seeds) {
  std::vector<Tensor> g = gradients_of(operation, {given(seeds.h), given(seeds.c)});
  return {.x = std::move(g[Op::x]),
          .weights = {std::move(g[Op::input_weights]),
                      std::move(g[Op::recurrent_weights]),
                      std::move(g[Op::biases]),
                      std::move(g[Op::peephole_weights]),
                      std::move(g[Op::projection])},
          .c_last = std::move(g[Op::c_last]),
          .y_last = std::move(g[Op::y_last])};
}

}  // namespace

LstmProjectionOutputs lstm_projection(const Tensor& x,
                                      const LstmProjectionWeights& weights,
                                      const LstmProjectionConfig& config,
                                      const LstmStart& start,
                                      const OpOptions& options) {
  return run(make_operation(StepCount::sequence, x, weights, config, start, options));
}

LstmProjectionOutputsOf<Variable> lstm_projection(const Variable& x,
                                                  const LstmProjectionWeightsOf<Variable>& weights,
                                                  const LstmProjectionConfig& config,
                                                  const LstmStartOf<Variable>& start,
                                                  const OpOptions& options) {
  return run_variables(StepCount::sequence, x, weights, config, start, options);
}

LstmProjectionGradients lstm_projection_gradient(const Tensor& x,
                                                 const LstmProjectionWeights& weights,
                                                 const LstmProjectionConfig& config,
                                                 const LstmStart& start,
                                                 const LstmProjectionOutputs& seeds,
                                                 const OpOptions& options) {
  return run_gradient(make_operation(StepCount::sequence, x, weights, config, start, options), seeds);
}

LstmProjectionOutputs lstm_projection_cell(const Tensor& x,
                                           const LstmProjectionWeights& weights,
                                           const LstmProjectionConfig& config,
                                           const LstmStart& start,
                                           const OpOptions& options) {
  return run(make_operation(StepCount::one, x, weights, config, start, options));
}

LstmProjectionOutputsOf<Variable> lstm_projection_cell(const Variable& x,
                                                       const LstmProjectionWeightsOf<Variable>& weights,
                                                       const LstmProjectionConfig& config,
                                                       const LstmStartOf<Variable>& start,
                                                       const OpOptions& options) {
  return run_variables(StepCount::one, x, weights, config, start, options);
}

LstmProjectionGradients lstm_projection_cell_gradient(const Tensor& x,
                                                      const LstmProjectionWeights& weights,
                                                      const LstmProjectionConfig& config,
                                                      const LstmStart& start,
                                                      const LstmProjectionOutputs& seeds,
                                                      const OpOptions& options) {
  return run_gradient(make_operation(StepCount::one, x, weights, config, start, options), seeds);
}

}  // namespace recurra::ops
