// An LSTM in forward training, then backward, with the format of the weights chosen by the descriptor.
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "recurra/recurra.h"

namespace rnn = recurra::primitive;

// Numbers from -0.1 to 0.1, in memory for a tensor.
static std::vector<float> numbers(const rnn::TensorDesc& desc) {
  std::vector<float> values(static_cast<std::size_t>(desc.extent()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.1F * std::cos(0.7F * static_cast<float>(i));
  return values;
}

static double sum_of_squares(const std::vector<float>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

int main() {
  rnn::RnnDesc desc{.cell = rnn::CellKind::lstm, .propagation = rnn::Propagation::forward_training};
  desc.input = 64;
  desc.units = 128;
  const rnn::RnnPrimitive forward(desc);
  desc.propagation = rnn::Propagation::backward;
  const rnn::RnnPrimitive backward(desc);
  // Weights are packed for both ways and any number of steps and rows.
  std::vector<float> layer = numbers(forward.weights_layer_desc(0));
  std::vector<float> iter = numbers(forward.weights_iter_desc());
  std::vector<float> bias = numbers(forward.bias_desc());
  const std::vector<rnn::WeightViews> plain{{.layer = {layer, forward.weights_layer_desc(0)},
                                             .iter = {iter, forward.weights_iter_desc()},
                                             .bias = {bias, forward.bias_desc()}}};
  rnn::PackedRnnWeights weights(forward);
  weights.pack(plain);
  // 10 steps of 4 rows. The loss is half the sum of all h^2, so that its gradient by dst_layer is dst_layer.
  std::vector<float> src = numbers(forward.src_layer_desc(10, 4));
  const rnn::TensorDesc dst_desc = forward.dst_layer_desc(10, 4);
  std::vector<float> dst = numbers(dst_desc);
  rnn::RnnWorkspace workspace(forward, 10, 4);
  const rnn::ForwardArguments arguments{.src_layer = {src, forward.src_layer_desc(10, 4)},
                                        .packed_weights = &weights,
                                        .dst_layer = {dst, dst_desc}};
  forward.execute(arguments, workspace);
  std::vector<float> diff_layer(layer.size(), 0.0F);  // gradients are added
  const std::vector<rnn::MutableWeightViews> diff{{.layer = {diff_layer, forward.weights_layer_desc(0)}}};
  backward.execute({.forward = arguments, .diff_dst_layer = {dst, dst_desc}, .diff_weights = diff},
                   workspace);
  // A step against the gradient that is to take 1 % off the loss.
  const double loss = 0.5 * sum_of_squares(dst);
  const double rate = 0.01 * loss / sum_of_squares(diff_layer);
  for (std::size_t i = 0; i < layer.size(); ++i) layer[i] -= static_cast<float>(rate) * diff_layer[i];
  weights.pack(plain);
  forward.execute(arguments, workspace);
  const double percent = 100 * (1 - 0.5 * sum_of_squares(dst) / loss);
  std::printf("%s: loss %.4g, a step takes %.3f %% off\n", weights.desc().text().data(), loss, percent);
  return std::abs(percent - 1) < 0.1 ? 0 : 1;
}
