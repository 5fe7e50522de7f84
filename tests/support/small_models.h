/// What tests of training share: a task that is learned in seconds, models for it, and all they are made of.
#pragma once

#include <string>
#include <vector>

#include "recurra/training/sequential.h"
#include "tests/support/tensors.h"

namespace recurra::test {

/// Sequences whose class is the sign of their sum.
inline Examples sign_examples(i64 count, i64 steps) {
  Examples examples{Tensor({count, steps, 2}), Tensor({count}, Dtype::i32), {}};
  Random random(4);
  for (i64 row = 0; row < count; ++row) {
    float sum = 0;
    for (i64 i = 0; i < steps * 2; ++i) sum += examples.x.data()[row * steps * 2 + i] = random.normal();
    examples.y.as<std::int32_t>()[std::size_t(row)] = sum > 0 ? 1 : 0;
  }
  return examples;
}

inline Sequential small_model(const char* optimizer = "adam",
                              const char* text = "lstm:8,batch_norm,dense:2") {
  Sequential model(parse_model(text));
  model.compile(make_optimizer(optimizer, 0.02), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  return model;
}

inline std::vector<float> all_weights(const Sequential& model) {
  std::vector<float> all;
  for (const Parameter* p : model.parameters()) {
    const auto values = p->value.as<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// Weights, then the optimizer's slots, then its steps.
inline std::vector<float> whole_state(const Sequential& model) {
  std::vector<float> all = all_weights(model);
  std::vector<Parameter*> trainable = model.parameters();
  std::erase_if(trainable, [](const Parameter* p) { return !p->trainable; });
  for (const OptimizerSlot& slot : model.optimizer()->slots(trainable)) {
    const auto values = slot.value->as<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  all.push_back(float(model.optimizer()->iterations()));
  return all;
}

}  // namespace recurra::test
