/// Trains ND4J's lstmLayer on variables: the last output of a row shall be the mean of its steps, which
/// differ in number.
#include "recurra/ops/lstm_layer.h"

#include <cmath>
#include <iostream>

#include "recurra/base/random.h"

using recurra::Shape;
using recurra::Tensor;
using recurra::autograd::Variable;
namespace ops = recurra::ops;

int main() {
  constexpr int batch = 32, steps = 10, units = 16;
  recurra::Random random(1);
  const auto normal = [&](const Shape& shape, float scale) {
    Tensor tensor(shape);
    for (float& value : tensor.as<float>()) value = scale * random.normal();
    return tensor;
  };
  const ops::LstmLayerWeightsOf<Variable> weights{Variable(normal({1, 4 * units}, 0.5F), true),
                                                  Variable(normal({units, 4 * units}, 0.2F), true),
                                                  Variable(Tensor({4 * units}), true)};
  Tensor lengths({batch}, recurra::Dtype::i32);
  double first = 0, last = 0;
  for (int round = 0; round < 300; ++round) {
    const Tensor x = normal({batch, steps, 1}, 1);
    for (auto& length : lengths.as<std::int32_t>()) length = 1 + static_cast<int>(random.below(steps));
    const ops::LstmLayerConfig config{
        .format = ops::SequenceFormat::nts, .return_sequence = false, .return_last_h = true};
    const Variable h =
        ops::lstm_layer(Variable(x), weights, config, {.max_ts_length = &lengths}, {.name = "mean"}).h_last;
    Tensor seed(h.shape());  // gradient of the mean square of the first unit's errors
    last = 0;
    for (int row = 0; row < batch; ++row) {
      const int length = lengths.as<std::int32_t>()[static_cast<std::size_t>(row)];
      double mean = 0;
      for (int t = 0; t < length; ++t) mean += double{x.data()[row * steps + t]} / length;
      const double error = h.value().data()[row * units] - std::tanh(mean);
      seed.data()[row * units] = static_cast<float>(2 * error / batch);
      last += error * error / batch;
    }
    if (round == 0) first = last;
    recurra::autograd::backward(std::span(&h, 1), {seed});
    for (const Variable* w : {&weights.input_weights, &weights.recurrent_weights, &weights.biases}) {
      float* value = w->edit().data();
      for (int k = 0; k < w->gradient().size(); ++k) value[k] -= 0.5F * w->gradient().data()[k];
      w->clear_gradient();
    }
  }
  std::cout << "mean square error " << first << " before, " << last << " after 300 rounds\n";
  return last < first / 4 ? 0 : 1;
}
