#include "recurra/ops/gru.h"

#include <algorithm>
#include <optional>

#include "recurra/ops/differentiate.h"
#include "recurra/ops/operation.h"
#include "recurra/ops/run.h"

namespace recurra::ops {

namespace {

/// Columns of a row-major matrix.
template <class T>
struct Columns {
  T* first;
  i64 stride;
};

void copy_columns(i64 rows, i64 width, const Columns<const float>& from, const Columns<float>& to) noexcept {
  for (i64 row = 0; row < rows; ++row)
    std::copy_n(from.first + row * from.stride, width, to.first + row * to.stride);
}

class GruOperation final : public Operation {
 public:
  enum Input { x, h_last, ru_weights, c_weights, ru_biases, c_biases };

  enum Output { r, u, c, h, outputs };

  GruOperation(Inputs inputs, const OpOptions& options) : Operation("gru", std::move(inputs), options) {
    n_ = check_x(x, SequenceFormat::tns, StepCount::one);
    check_tensors();
    const Recurrence recurrence{.cell = "gru_gates", .input = n_.width, .units = units_};
    run_.emplace(std::span(&recurrence, 1), this->options());
  }

  [[nodiscard]] std::vector<Tensor> forward(bool training) override {
    std::vector<Tensor> all(outputs);
    for (Tensor& one : all) one = Tensor({n_.batch, units_});
    gather_weights();
    Call& call = run_->call(0);
    call.steps = 1;
    call.batch = n_.batch;
    call.x = time_major(data(x), n_.batch, n_.width);
    call.y = time_major(all[h].data(), n_.batch, units_);
    for (const Output output : {u, r, c})
      call.states[state_of(output)] = time_major(all[output].data(), n_.batch, units_);
    call.initial[0] = data(h_last);
    run_->pack(0,
               {.W = weights_.data(),
                .U = weights_.data() + n_.width * 3 * units_,
                .b = has_biases() ? biases_.data() : nullptr},
               training);
    run_->forward(training);
    keep_shapes(all);
    return all;
  }

 private:
  /// Which of the cell's states u r o an output is.
  [[nodiscard]] static int state_of(Output output) noexcept { return output == u ? 1 : output == r ? 2 : 3; }

  [[nodiscard]] bool has_biases() const noexcept { return has(ru_biases) || has(c_biases); }

  void check_tensors() {
    check_given(ru_weights, "weights.ru_weights");
    check_given(c_weights, "weights.c_weights");
    check_rank(c_weights, "weights.c_weights", 2, "(features + units, units)");
    units_ = units_of(c_weights, "weights.c_weights", 1);
    const i64 rows = n_.width + units_;
    check_shape(ru_weights, "weights.ru_weights", {rows, 2 * units_}, "(features + units, 2 * units)");
    check_shape(c_weights, "weights.c_weights", {rows, units_}, "(features + units, units)");
    check_shape(ru_biases, "weights.ru_biases", {2 * units_}, "(2 * units,)");
    check_shape(c_biases, "weights.c_biases", {units_}, "(units,)");
    check_shape(h_last, "h_last", {n_.batch, units_}, "(batch, units)");
  }

  /// One matrix of the cell's gates u r o of two of r u and c: calls copy(rows, part of one, part of
  /// another).
  template <class T, class U, class Copy>
  void for_each_gate(i64 rows, T* ru, T* candidate, U* all, Copy copy) const {
    const i64 n = units_;
    if (ru != nullptr) {
      copy(rows, Columns<T>{ru + n, 2 * n}, Columns<U>{all, 3 * n});
      copy(rows, Columns<T>{ru, 2 * n}, Columns<U>{all + n, 3 * n});
    }
    if (candidate != nullptr) copy(rows, Columns<T>{candidate, n}, Columns<U>{all + 2 * n, 3 * n});
  }

  void gather_weights() {
    const i64 rows = n_.width + units_;
    weights_.resize(static_cast<std::size_t>(rows * 3 * units_));
    biases_.assign(static_cast<std::size_t>(3 * units_), 0);
    const auto copy = [&](i64 count, const auto& from, const auto& to) {
      copy_columns(count, units_, from, to);
    };
    for_each_gate(rows, data(ru_weights), data(c_weights), weights_.data(), copy);
    for_each_gate(1, data(ru_biases), data(c_biases), biases_.data(), copy);
  }

  void run_backward(const std::vector<const Tensor*>& seeds) override {
    BackwardCall& back = run_->back(0);
    back = {};
    const auto sequence = [&](const Tensor* seed) {
      return seed != nullptr ? time_major(seed->data(), n_.batch, units_) : ConstSequence{};
    };
    back.dy = sequence(seeds[h]);
    for (const Output output : {u, r, c}) back.d_states[state_of(output)] = sequence(seeds[output]);
    back.dx = time_major(gradient(x), n_.batch, n_.width);
    back.d_initial[0] = gradient(h_last);
    std::vector<float> d_weights(weights_.size());
    std::vector<float> d_biases(biases_.size());
    back.d_weights = {
        .W = d_weights.data(), .U = d_weights.data() + n_.width * 3 * units_, .b = d_biases.data()};
    run_->backward();
    const auto copy_back = [&](i64 count, const auto& to, const auto& from) {
      copy_columns(count, units_, from, to);
    };
    const float* weights = d_weights.data();
    const float* biases = d_biases.data();
    for_each_gate(n_.width + units_, gradient(ru_weights), gradient(c_weights), weights, copy_back);
    for_each_gate(1, gradient(ru_biases), gradient(c_biases), biases, copy_back);
  }

  SequenceSizes n_;  // of x
  i64 units_ = 0;
  std::vector<float> weights_, biases_;  // (features + units, 3, units) in the cell's order, (3, units)
  std::optional<Run> run_;
};

using autograd::Variable;
using Op = GruOperation;

template <class T, class Given>
[[nodiscard]] std::vector<const T*> inputs_of(const T& x,
                                              const T& h_last,
                                              const GruWeightsOf<T>& w,
                                              const Given& given) {
  return {&x, &h_last, given(w.ru_weights), given(w.c_weights), given(w.ru_biases), given(w.c_biases)};
}

}  // namespace

GruOutputs gru(const Tensor& x, const Tensor& h_last, const GruWeights& weights, const OpOptions& options) {
  std::vector<Tensor> y = Op(inputs_of(x, h_last, weights, given), options).forward(false);
  return {std::move(y[Op::r]), std::move(y[Op::u]), std::move(y[Op::c]), std::move(y[Op::h])};
}

GruOutputsOf<Variable> gru(const Variable& x,
                           const Variable& h_last,
                           const GruWeightsOf<Variable>& weights,
                           const OpOptions& options) {
  const Differentiated call(inputs_of(x, h_last, weights, given_variable), options);
  const std::vector<Variable> y =
      call.run(std::make_shared<Op>(call.values(), call.options()), {"r", "u", "c", "h"});
  return {y[Op::r], y[Op::u], y[Op::c], y[Op::h]};
}

GruGradients gru_gradient(const Tensor& x,
                          const Tensor& h_last,
                          const GruWeights& weights,
                          const GruOutputs& seeds,
                          const OpOptions& options) {
  Op operation(inputs_of(x, h_last, weights, given), options);
  std::vector<Tensor> g =
      gradients_of(operation, {given(seeds.r), given(seeds.u), given(seeds.c), given(seeds.h)});
  return {.x = std::move(g[Op::x]),
          .h_last = std::move(g[Op::h_last]),
          .weights = {std::move(g[Op::ru_weights]),
                      std::move(g[Op::c_weights]),
                      std::move(g[Op::ru_biases]),
                      std::move(g[Op::c_biases])}};
}

}  // namespace recurra::ops
