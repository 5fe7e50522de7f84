/// What the formats of ND4J's lstmLayer cost: inference, and inference with the way back, of 256 features and
/// units, 32 rows and 50 steps, against TNS. Formats take turns in every round, so that all see the same
/// machine, and the fastest of all rounds counts.
///
/// usage: op_formats [ROUNDS]      default 30
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>

#include "recurra/recurra.h"

namespace {

using namespace recurra;

constexpr i64 units = 256, batch = 32, steps = 50;
constexpr ops::SequenceFormat formats[] = {
    ops::SequenceFormat::tns, ops::SequenceFormat::nts, ops::SequenceFormat::nst};

Tensor normal(const Shape& shape, std::uint64_t stream, float scale) {
  Random random(1, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = scale * random.normal();
  return tensor;
}

Shape shape_of(ops::SequenceFormat format) {
  if (format == ops::SequenceFormat::nst) return {batch, units, steps};
  return format == ops::SequenceFormat::nts ? Shape{batch, steps, units} : Shape{steps, batch, units};
}

/// Inference in one format, and a call with its way back.
struct Run {
  explicit Run(ops::SequenceFormat format)
      : x(normal(shape_of(format), 1, 1)), seeds{normal(shape_of(format), 2, 1), {}, {}} {
    config.format = format;
    weights = {
        normal({units, 4 * units}, 3, 0.06F), normal({units, 4 * units}, 4, 0.06F), Tensor({4 * units})};
  }

  [[nodiscard]] double seconds(bool training) const {
    const auto start = std::chrono::steady_clock::now();
    if (training) {
      static_cast<void>(ops::lstm_layer_gradient(x, weights, config, {}, seeds));
    } else {
      static_cast<void>(ops::lstm_layer(x, weights, config));
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  Tensor x;
  ops::LstmLayerOutputs seeds;
  ops::LstmLayerConfig config;
  ops::LstmLayerWeights weights;
};

void measure(bool training, int rounds) {
  const Run runs[] = {Run(formats[0]), Run(formats[1]), Run(formats[2])};
  double best[3];
  std::fill_n(best, 3, std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 3; ++i) best[i] = std::min(best[i], runs[i].seconds(training));
  }
  for (int i = 0; i < 3; ++i) {
    std::printf("%-9s %-4s %9.3f ms %6.3f\n",
                training ? "gradient" : "inference",
                ops::name_of(formats[i]),
                1e3 * best[i],
                best[i] / best[0]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 30;
  measure(false, rounds);
  measure(true, rounds);
}
