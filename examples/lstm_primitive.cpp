// An LSTM in forward training, then backward, with the format of the weights chosen by the descriptor.
#include <cmath>
#include <cstdio>
#include <vector>

#include "recurra/recurra.h"

namespace rnn = recurra::primitive;

// Numbers from -1 to 1, in memory for a tensor.
static std::vector<float> numbers(const rnn::TensorDesc& desc) {
  std::vector<float> values(static_cast<std::size_t>(desc.extent()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::cos(static_cast<float>(i) / 10.0F);
  return values;
}

int main() {
  rnn::RnnDesc desc;
  desc.cell = rnn::CellKind::lstm;
  desc.propagation = rnn::Propagation::forward_training;
  desc.input = 64;
  desc.units = 128;
  desc.tensors.dst_iter = true;
  const rnn::RnnPrimitive forward(desc);
  desc.propagation = rnn::Propagation::backward;
  const rnn::RnnPrimitive backward(desc);
  const recurra::i64 steps = 10;
  const recurra::i64 batch = 4;

  // Weights are packed once, for both ways and any number of steps and rows.
  std::vector<float> layer = numbers(forward.weights_layer_desc(0));
  std::vector<float> iter = numbers(forward.weights_iter_desc());
  std::vector<float> bias = numbers(forward.bias_desc());
  const std::vector<rnn::WeightViews> plain{{.layer = {layer, forward.weights_layer_desc(0)},
                                             .iter = {iter, forward.weights_iter_desc()},
                                             .bias = {bias, forward.bias_desc()}}};
  rnn::PackedRnnWeights weights(forward);
  weights.pack(plain);
  std::printf("weights: %s\n", weights.desc().text().c_str());

  std::vector<float> src = numbers(forward.src_layer_desc(steps, batch));
  std::vector<float> dst(static_cast<std::size_t>(steps * batch * desc.units));
  std::vector<float> last(static_cast<std::size_t>(batch * desc.units));
  rnn::RnnWorkspace workspace(forward, steps, batch);
  const rnn::ForwardArguments arguments{.src_layer = {src, forward.src_layer_desc(steps, batch)},
                                        .packed_weights = &weights,
                                        .dst_layer = {dst, forward.dst_layer_desc(steps, batch)},
                                        .dst_iter = {last, forward.iter_desc(batch)}};
  forward.execute(arguments, workspace);

  std::vector<float> diff_layer(layer.size(), 0.0F);  // gradients are added
  const std::vector<rnn::MutableWeightViews> diff{{.layer = {diff_layer, forward.weights_layer_desc(0)}}};
  backward.execute({.forward = arguments,
                    .diff_dst_layer = {dst, forward.dst_layer_desc(steps, batch)},
                    .diff_weights = diff},
                   workspace);
  std::printf("h of the last step: %.4f, a gradient: %.4f\n", last[0], diff_layer[0]);
}
