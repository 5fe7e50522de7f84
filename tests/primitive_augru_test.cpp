/// The gradients of GRUs under attention are the derivatives of what runs forward: against central
/// differences of the equations of oneDNN's guide, written out here. (That oneDNN's own are not, onednn_test
/// shows.)
#include <cmath>

#include <gtest/gtest.h>

#include "recurra/base/random.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/support/test_tensor.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Doubles = std::vector<double>;

constexpr int batch = 3;
constexpr int input = 4;
constexpr int units = 5;

/// All numbers of a problem, or their gradients: x (steps, batch, input), h (batch, units), a (steps, batch),
/// W (input, 3, units), U (units, 3, units), b (3 or 4, units), in the order u r o u'.
struct Numbers {
  Doubles x, h, a, W, U, b;
};

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

struct Augru {
  int steps;
  bool linear_before_reset;
  Doubles dy;  // (steps, batch, units)

  /// What one step has of a row.
  struct Step {
    double u[units], r[units], o[units], Uh[units], rh[units];
  };

  [[nodiscard]] Step step(const Numbers& v, int t, int n, const double* h) const {
    Step s{};
    const auto of_x = [&](int g, int j) {
      double sum = v.b[std::size_t(g * units + j)];
      for (int i = 0; i < input; ++i)
        sum += v.x[std::size_t((t * batch + n) * input + i)] * v.W[std::size_t((i * 3 + g) * units + j)];
      return sum;
    };
    const auto of_h = [&](int g, int j, const double* operand) {
      double sum = 0;
      for (int i = 0; i < units; ++i) sum += operand[i] * v.U[std::size_t((i * 3 + g) * units + j)];
      return sum;
    };
    for (int j = 0; j < units; ++j) {
      s.u[j] = sigmoid(of_x(0, j) + of_h(0, j, h));
      s.r[j] = sigmoid(of_x(1, j) + of_h(1, j, h));
      s.rh[j] = s.r[j] * h[j];
    }
    for (int j = 0; j < units; ++j) {
      if (linear_before_reset) {
        s.Uh[j] = of_h(2, j, h) + v.b[std::size_t(3 * units + j)];
        s.o[j] = std::tanh(of_x(2, j) + s.r[j] * s.Uh[j]);
      } else {
        s.o[j] = std::tanh(of_x(2, j) + of_h(2, j, s.rh));
      }
    }
    return s;
  }

  [[nodiscard]] double loss(const Numbers& v) const {
    double sum = 0;
    for (int n = 0; n < batch; ++n) {
      double h[units];
      std::copy_n(v.h.data() + n * units, units, h);
      for (int t = 0; t < steps; ++t) {
        const Step s = step(v, t, n, h);
        for (int j = 0; j < units; ++j) {
          const double kept = (1.0 - v.a[std::size_t(t * batch + n)]) * s.u[j];
          h[j] = kept * h[j] + (1.0 - kept) * s.o[j];
          sum += dy[std::size_t((t * batch + n) * units + j)] * h[j];
        }
      }
    }
    return sum;
  }

  /// By central differences.
  [[nodiscard]] Doubles gradient(Numbers v, Doubles Numbers::*of) const {
    Doubles result;
    for (double& number : v.*of) {
      const double at = number;
      number = at + 1e-6;
      const double above = loss(v);
      number = at - 1e-6;
      result.push_back((above - loss(v)) / 2e-6);
      number = at;
    }
    return result;
  }
};

Numbers random_numbers(const Augru& augru, Random& random) {
  Numbers v;
  const auto fill = [&](Doubles& to, int size, double low, double high) {
    to.resize(std::size_t(size));
    for (double& number : to) number = random.uniform(float(low), float(high));
  };
  fill(v.x, augru.steps * batch * input, -1.5, 1.5);
  fill(v.h, batch * units, -1, 1);
  fill(v.a, augru.steps * batch, 0.1, 0.9);
  fill(v.W, input * 3 * units, -0.6, 0.6);
  fill(v.U, units * 3 * units, -0.6, 0.6);
  fill(v.b, (augru.linear_before_reset ? 4 : 3) * units, -0.5, 0.5);
  return v;
}

/// The primitive's gradients.
Numbers gradient_of_primitive(const Augru& augru, const Numbers& v) {
  RnnDesc desc;
  desc.cell = augru.linear_before_reset ? CellKind::lbr_augru : CellKind::augru;
  desc.input = input;
  desc.units = units;
  desc.weights = WeightsFormat::plain;
  desc.tensors.src_iter = true;
  desc.propagation = Propagation::forward_training;
  const RnnPrimitive forward(desc);
  desc.propagation = Propagation::backward;
  desc.diff_weights_overwrite = true;
  const RnnPrimitive backward(desc);
  const TensorDesc attention({augru.steps, batch, 1}, FormatTag::tnc);
  const TestTensor x(forward.src_layer_desc(augru.steps, batch), v.x);
  const TestTensor h(forward.iter_desc(batch), v.h);
  const TestTensor a(attention, v.a);
  const TestTensor dy(forward.dst_layer_desc(augru.steps, batch), augru.dy);
  const TestTensor W(forward.weights_layer_desc(0), v.W);
  const TestTensor U(forward.weights_iter_desc(), v.U);
  const TestTensor b(forward.bias_desc(), v.b);
  TestTensor y(dy.desc), dx(x.desc), dh(h.desc), da(attention), dW(W.desc), dU(U.desc), db(b.desc);
  const std::vector<WeightViews> weights{{.layer = W.read(), .iter = U.read(), .bias = b.read()}};
  const std::vector<MutableWeightViews> gradients{
      {.layer = dW.write(), .iter = dU.write(), .bias = db.write()}};
  RnnWorkspace workspace(forward, augru.steps, batch);
  const ForwardArguments arguments{.src_layer = x.read(),
                                   .src_iter = h.read(),
                                   .attention = a.read(),
                                   .weights = weights,
                                   .dst_layer = y.write()};
  forward.execute(arguments, workspace);
  backward.execute({.forward = arguments,
                    .diff_dst_layer = dy.read(),
                    .diff_src_layer = dx.write(),
                    .diff_src_iter = dh.write(),
                    .diff_attention = da.write(),
                    .diff_weights = gradients},
                   workspace);
  const auto numbers = [](const TestTensor& tensor) {
    const std::vector<float> floats = tensor.logical();
    return Doubles(floats.begin(), floats.end());
  };
  return {numbers(dx), numbers(dh), numbers(da), numbers(dW), numbers(dU), numbers(db)};
}

/// |actual - expected| / |expected|.
double relative_error(const Doubles& actual, const Doubles& expected) {
  double error = 0;
  double size = 0;
  EXPECT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(error / size);
}

constexpr Doubles Numbers::*all[] = {
    &Numbers::x, &Numbers::h, &Numbers::a, &Numbers::W, &Numbers::U, &Numbers::b};

TEST(Augru, gradients_are_the_derivatives_of_the_way_forward) {
  Random random(20273);
  for (const bool linear_before_reset : {false, true}) {
    for (const int steps : {1, 4}) {
      Augru augru{steps, linear_before_reset, {}};
      for (int i = 0; i < steps * batch * units; ++i) augru.dy.push_back(random.normal());
      const Numbers v = random_numbers(augru, random);
      const Numbers found = gradient_of_primitive(augru, v);
      for (const auto of : all) EXPECT_LT(relative_error(found.*of, augru.gradient(v, of)), 2e-6);
    }
  }
}

}  // namespace

}  // namespace recurra::test
