/// The example of CNTK's OptimizedRNNStack: three bidirectional LSTM layers of 512 units a direction over 40
/// features a frame, and a probability for each of 9000 states. Some updates on spoken digits; then the
/// single matrix of weights becomes layers of its own, which give the same bits.
///
///     speech fsdd_logmel20.npz [UPDATES]
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "recurra/data/npz.h"
#include "recurra/recurra.h"

namespace {

using recurra::i64;

constexpr i64 mels = 20;            // of a frame of the file
constexpr i64 features = 2 * mels;  // two frames are one step
constexpr i64 states = 9000;

/// Log-mel frames of spoken digits, as sequences. No one has aligned them, so a step's state is made up of
/// the digit and which tenth of it is being spoken.
recurra::Examples read_digits(const char* path, i64 count) {
  const std::vector<std::string> names = {"frames", "length", "label"};
  std::vector<recurra::NamedTensor> arrays = recurra::read_npz(path, names);
  const std::span<const float> frames = arrays[0].tensor.as<float>();
  const auto lengths = arrays[1].tensor.as<std::int32_t>();
  const auto digits = arrays[2].tensor.as<std::int32_t>();
  recurra::Examples examples;
  i64 longest = 0;
  const i64 every = static_cast<i64>(lengths.size()) / count;
  for (i64 i = 0; i < count; ++i) {
    const int steps = lengths[static_cast<std::size_t>(i * every)] / 2;
    examples.lengths.push_back(steps);
    longest = std::max<i64>(longest, steps);
  }
  examples.x = recurra::Tensor({count, longest, features});
  examples.y = recurra::Tensor({count, longest}, recurra::Dtype::i32);
  i64 first = 0;  // frame of the recording
  for (i64 recording = 0; recording < count * every; ++recording) {
    const auto at = static_cast<std::size_t>(recording);
    if (recording % every == 0) {
      const i64 row = recording / every;
      const i64 steps = examples.lengths[static_cast<std::size_t>(row)];
      float* x = examples.x.data() + row * longest * features;
      for (i64 k = 0; k < steps * features; ++k)
        x[k] =
            (frames[static_cast<std::size_t>(first * mels + k)] + 8) / 4;  // about their mean and deviation
      std::int32_t* y = examples.y.as<std::int32_t>().data() + row * longest;
      for (i64 t = 0; t < steps; ++t)
        y[t] = digits[at] * 900 + static_cast<std::int32_t>(t * 10 / steps) * 90;
    }
    first += lengths[at];
  }
  return examples;
}

recurra::Sequential speech_model() {
  recurra::OptimizedRnnStackOptions stack;
  stack.units = 512;
  stack.layers = 3;
  stack.bidirectional = true;
  // ParameterTensor {(Inferred:Inferred), initOutputRank=-1, initValueScale=1/10}
  stack.start.mode = recurra::BlobStart::whole;
  stack.start.initializer = recurra::cntk_initializer("heNormal");
  stack.start.init_value_scale = 0.1;
  // DenseLayer {9000, activation=Softmax, init='heUniform', initValueScale=1/3}
  recurra::DenseOptions dense;
  dense.units = states;
  dense.activation = recurra::ActivationFunction::softmax();
  dense.kernel.initializer = recurra::cntk_initializer("heUniform", 1.0 / 3);
  recurra::Sequential model("speech");
  model.add(std::make_unique<recurra::OptimizedRnnStack>(stack));
  model.add(std::make_unique<recurra::Dense>(dense));
  model.build({recurra::any_extent, features});
  recurra::SparseCategoricalCrossentropyOptions loss;
  loss.from_logits = false;  // the softmax is the model's
  model.compile(recurra::make_optimizer("adam"),
                std::make_unique<recurra::SparseCategoricalCrossentropy>(loss));
  return model;
}

bool same_bits(const recurra::Tensor& a, const recurra::Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: speech fsdd_logmel20.npz [UPDATES]\n";
    return 2;
  }
  const int updates = argc > 2 ? std::atoi(argv[2]) : 4;
  const recurra::Examples digits = read_digits(argv[1], 4);
  recurra::Sequential model = speech_model();
  model.summary(std::cout);
  double first = 0;
  double loss = 0;
  for (int update = 0; update < updates; ++update) {
    loss = model.train_on_batch(digits);
    if (update == 0) first = loss;
    std::cout << "update " << update + 1 << ": loss " << loss << "\n";
  }
  recurra::ConvertedModel split = recurra::split_rnn_stacks(model);
  std::cout << split.changes[0] << "\n";
  const bool same = same_bits(split.model.predict(digits), model.predict(digits));
  std::cout << (same ? "the same outputs, bit for bit\n" : "other outputs\n");
  return same && loss <= first ? 0 : 1;
}
