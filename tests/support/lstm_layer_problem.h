/// A small random call of lstm_layer.
#pragma once

#include <vector>

#include "recurra/ops/lstm_layer.h"
#include "tests/support/op_formats.h"
#include "tests/support/op_gradients.h"
#include "tests/support/tensors.h"

namespace recurra::test {

struct LstmLayerProblem {
  static constexpr i64 steps = 5, batch = 3, features = 4, units = 5;

  explicit LstmLayerProblem(ops::DirectionMode mode, bool peephole = false) {
    config.direction = mode;
    config.return_last_h = config.return_last_c = true;
    const bool both = mode >= ops::DirectionMode::bidir_sum;
    const auto shape = [&](std::vector<i64> extents) {
      if (both) extents.insert(extents.begin(), 2);
      return Shape(extents);
    };
    x = normal_tensor({steps, batch, features}, 1);
    weights.input_weights = normal_tensor(shape({features, 4 * units}), 2, 0.5F);
    weights.recurrent_weights = normal_tensor(shape({units, 4 * units}), 3, 0.5F);
    weights.biases = normal_tensor(shape({4 * units}), 4, 0.5F);
    if (peephole) weights.peephole_weights = normal_tensor(shape({3 * units}), 5, 0.5F);
    c_last = normal_tensor(shape({batch, units}), 6, 0.5F);
    y_last = normal_tensor(shape({batch, units}), 7, 0.5F);
  }

  [[nodiscard]] ops::LstmStart start() const {
    return {.c_last = &c_last,
            .y_last = &y_last,
            .max_ts_length = lengths.shape() == Shape{0} ? nullptr : &lengths};
  }

  [[nodiscard]] ops::LstmLayerOutputs run(const ops::OpOptions& options = {}) const {
    return ops::lstm_layer(x, weights, config, start(), options);
  }

  [[nodiscard]] ops::LstmLayerOutputs random_seeds() const {
    const ops::LstmLayerOutputs y = run();
    return {normal_tensor(y.h.shape(), 8),
            normal_tensor(y.h_last.shape(), 9),
            normal_tensor(y.c_last.shape(), 10)};
  }

  ops::LstmLayerConfig config;
  Tensor x, c_last, y_last, lengths;
  ops::LstmLayerWeights weights;
};

}  // namespace recurra::test
