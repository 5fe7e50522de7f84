/// Where oneDNN is not found.
#include "tests/onednn/rnn.h"

namespace recurra::onednn {

struct Rnn::Primitives {};

bool is_available() {
  return false;
}

Rnn::Rnn(const Problem& /*problem*/, bool /*training*/) {
  throw Refused("built without oneDNN; tools/fetch_onednn.py fetches it");
}

Rnn::~Rnn() = default;

void Rnn::set(const Tensors<float>& /*inputs*/, const Tensors<float>& /*gradients*/) {}

void Rnn::forward() {}

void Rnn::backward() {}

Results<float> Rnn::results() const {
  return {};
}

std::string Rnn::implementation() const {
  return {};
}

Rnn::Bytes Rnn::bytes() const {
  return {};
}

}  // namespace recurra::onednn
