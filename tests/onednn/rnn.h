/// oneDNN's RNN primitive on plain tensors.
///
/// rnn.cpp is it; no_onednn.cpp stands in where oneDNN is not found, and refuses every problem.
#pragma once

#include <memory>

#include "tests/onednn/problem.h"

namespace recurra::onednn {

/// Whether this was built with oneDNN.
[[nodiscard]] bool is_available();

/// oneDNN has no primitive for the problem, or cannot run it.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One problem's primitives with all their memory. Weights lie in the formats oneDNN asks for; they are
/// brought there by `set`, outside of `forward` and `backward`. Uses no instructions beyond AVX-512 as of
/// Skylake.
class Rnn {
 public:
  /// Throws Refused.
  Rnn(const Problem& problem, bool training);
  ~Rnn();
  Rnn(const Rnn&) = delete;
  Rnn& operator=(const Rnn&) = delete;

  /// Takes the inputs and, in training, the gradients of the outputs; the gradients of weights become 0.
  void set(const Tensors<float>& inputs, const Tensors<float>& gradients = {});

  /// Inference or training forward. Throws Refused.
  void forward();

  /// After a training forward; adds to the gradients of weights. Throws Refused.
  void backward();

  /// The outputs, and in training the gradients.
  [[nodiscard]] Results<float> results() const;

  /// The name oneDNN gives to what runs the way forward, and the way back where there is one.
  [[nodiscard]] std::string implementation() const;

  /// Bytes besides the tensors of the problem.
  struct Bytes {
    i64 workspace = 0;  ///< from a training forward to its backward
    i64 scratch = 0;    ///< of the larger pass
    i64 weights = 0;    ///< in oneDNN's formats, of both ways
  };

  [[nodiscard]] Bytes bytes() const;

 private:
  struct Primitives;
  std::unique_ptr<Primitives> primitives_;
};

}  // namespace recurra::onednn
