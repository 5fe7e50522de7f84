/// One training step of a stack of LSTMs as CNTK's OptimizedRNNStack has it, three layers of 512 units in
/// both directions over 40 features, 16 sequences of 100 frames: as one blob on the engine, or written out
/// step by step in differentiable functions. A step is the way forward, the mean square of the outputs as the
/// loss, the way back to all weights, and w -= 0.01 dw.
///
/// usage: explicit_stack recurra|recurra-explicit THREADS [STEPS]      prints {"peer": …, "ms": the fastest
/// step}
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string_view>

#include "recurra/recurra.h"

namespace {

using namespace recurra;
using autograd::Variable;

constexpr i64 features = 40, units = 512, layers = 3, batch = 16, frames = 100;
constexpr float rate = 0.01F;

Tensor normal(const Shape& shape, std::uint64_t stream, float scale) {
  Random random(1, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = scale * random.normal();
  return tensor;
}

void update(Tensor& weights, const Tensor& gradient) {
  float* w = weights.data();
  const float* d = gradient.data();
  for (i64 i = 0; i < weights.size(); ++i) w[i] -= rate * d[i];
}

/// The stack on the engine: its weights are packed by every step, as they change.
class Blob {
 public:
  explicit Blob(const Execution& execution)
      : execution_(execution),
        stack_({.units = units, .layers = layers, .bidirectional = true}, features),
        weights_(normal(stack_.layout().matrix_shape(), 2, 0.04F)),
        dy_({batch, frames, 2 * units}) {}

  void step(const Tensor& x) {
    stack_.set_weights(weights_, PackedWeights::Use::training, execution_);
    const Tensor& y = stack_.forward(x, {.training = true}, execution_).y;
    const float scale = 2.0F / static_cast<float>(y.size());
    std::ranges::transform(y.as<float>(), dy_.data(), [&](float value) { return scale * value; });
    update(weights_, stack_.backward({.y = &dy_, .want_x = false}, execution_).weights);
  }

 private:
  Execution execution_;
  RnnStack stack_;
  Tensor weights_, dy_;
};

/// The same network written out: a product of the input, one of the old output, and the cell's equations, for
/// every layer, direction and step.
class Explicit {
 public:
  explicit Explicit(const Execution& execution) : on_(execution) {
    for (i64 layer = 0; layer < layers; ++layer) {
      const i64 input = layer == 0 ? features : 2 * units;
      for (std::uint64_t direction = 0; direction < 2; ++direction) {
        const std::uint64_t stream = 10 * static_cast<std::uint64_t>(layer) + direction + 2;
        weights_.push_back({Variable(normal({input, 4 * units}, stream, 0.04F), true),
                            Variable(normal({units, 4 * units}, stream + 4, 0.04F), true),
                            Variable(Tensor({4 * units}), true)});
      }
    }
  }

  void step(const Tensor& x) {
    std::vector<Variable> sequence = autograd::unstack(Variable(x), 1);
    for (i64 layer = 0; layer < layers; ++layer) {
      const std::vector<Variable> forward = run(sequence, weights(layer, 0), false);
      const std::vector<Variable> backward = run(sequence, weights(layer, 1), true);
      for (std::size_t t = 0; t < sequence.size(); ++t)
        sequence[t] = autograd::concatenate({forward[t], backward[t]}, 1);
    }
    autograd::backward(autograd::mean(autograd::square(autograd::stack(sequence, 1))));
    for (Weights& one : weights_) {
      for (Variable* weight : {&one.W, &one.U, &one.b}) {
        update(weight->edit(), weight->gradient());
        weight->clear_gradient();
      }
    }
  }

 private:
  struct Weights {
    Variable W, U, b;
  };

  [[nodiscard]] const Weights& weights(i64 layer, i64 direction) const {
    return weights_[static_cast<std::size_t>(2 * layer + direction)];
  }

  static std::vector<Variable> run(const std::vector<Variable>& x, const Weights& w, bool reverse) {
    Variable h{Tensor({batch, units})};
    Variable c{Tensor({batch, units})};
    std::vector<Variable> outputs(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t t = reverse ? x.size() - 1 - i : i;
      const std::vector<Variable> gates =
          autograd::split(autograd::matmul(x[t], w.W) + autograd::matmul(h, w.U) + w.b, 1, 4);
      c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
      h = sigmoid(gates[3]) * tanh(c);
      outputs[t] = h;
    }
    return outputs;
  }

  autograd::RunOn on_;
  std::vector<Weights> weights_;
};

template <class Network>
double fastest_step(const Execution& execution, int steps) {
  Network network(execution);
  const Tensor x = normal({batch, frames, features}, 1, 1.0F);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= steps; ++i) {  // the first one warms up
    const auto start = std::chrono::steady_clock::now();
    network.step(x);
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    if (i > 0) best = std::min(best, taken.count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view peer = argc > 1 ? argv[1] : "";
  const Execution execution{.threads = argc > 2 ? std::atoi(argv[2]) : 0};
  const int steps = argc > 3 ? std::atoi(argv[3]) : 3;
  if ((peer != "recurra" && peer != "recurra-explicit") || steps < 1) {
    std::fputs("usage: explicit_stack recurra|recurra-explicit THREADS [STEPS]\n", stderr);
    return 2;
  }
  const double ms =
      peer == "recurra" ? fastest_step<Blob>(execution, steps) : fastest_step<Explicit>(execution, steps);
  std::printf("{\"peer\": \"%s\", \"threads\": %d, \"ms\": %.3f}\n", argv[1], execution.threads, ms);
}
