/// Our RNN primitive on plain tensors, as users call it: weights packed once, one workspace.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "recurra/base/buffer.h"
#include "recurra/primitive/arguments.h"
#include "recurra/primitive/rnn_workspace.h"
#include "tests/onednn/problem.h"

namespace recurra::onednn {

/// The descriptor of a problem, for inference or for training forward. Its state has the width of its
/// output. Throws std::runtime_error for a cell or direction that we do not have.
[[nodiscard]] primitive::RnnDesc desc_of(const Problem& problem, bool training);

/// One descriptor's primitives with all their memory: inference, or training forward and backward. All layers
/// have one input, so that weights are whole tensors.
class OurRnn {
 public:
  /// Throws Error. `desc.propagation` is forward_inference or forward_training.
  OurRnn(const primitive::RnnDesc& desc, i64 steps, i64 batch, const Execution& execution = {});

  /// Takes the inputs and, in training, the gradients of the outputs, and packs; the gradients of weights
  /// become 0.
  void set(const Tensors<float>& inputs, const Tensors<float>& gradients = {});

  /// The same with numbers of no meaning: weights in +-1/sqrt(units), all else in +-1, attention in (0, 1).
  void set(std::uint64_t seed);

  /// Inference or training forward.
  void forward();

  /// After a training forward; adds to the gradients of weights.
  void backward();

  /// As `backward`, but overwrites the gradients of weights.
  void backward_overwriting();

  /// The outputs, and in training the gradients.
  [[nodiscard]] Results<float> results() const;

  /// As Rnn::Bytes.
  struct Bytes {
    i64 workspace = 0, scratch = 0, weights = 0;
  };

  [[nodiscard]] Bytes bytes() const;

 private:
  /// A tensor at a cache line, as oneDNN's are.
  struct Piece {
    Piece() = default;

    explicit Piece(const primitive::TensorDesc& desc) : desc(desc), memory(desc.extent()) {}

    [[nodiscard]] primitive::TensorView view() { return {numbers(), desc}; }

    [[nodiscard]] std::span<float> numbers() {
      return {memory.data(), static_cast<std::size_t>(memory.size())};
    }

    [[nodiscard]] std::vector<float> copy() const;

    primitive::TensorDesc desc;
    AlignedBuffer<float> memory;
  };

  /// All tensors, or their gradients; those that there are not have no dimensions.
  struct Memory {
    Piece src_layer, src_iter, src_iter_c, attention;
    Piece layer, iter, peephole, projection, norm, bias;
    Piece dst_layer, dst_iter, dst_iter_c;

    [[nodiscard]] const Piece& at(Tensor tensor) const;

    [[nodiscard]] Piece& at(Tensor tensor) { return const_cast<Piece&>(std::as_const(*this).at(tensor)); }
  };

  [[nodiscard]] static Piece whole(const primitive::RnnPrimitive& primitive,
                                   const primitive::TensorDesc& one);
  [[nodiscard]] Memory make_memory() const;
  void pack_and_clear();
  [[nodiscard]] primitive::MutableWeightViews views(Memory& memory) const;

  Execution execution_;
  primitive::RnnPrimitive forward_;
  std::optional<primitive::RnnPrimitive> backward_, overwriting_;
  i64 steps_, batch_;
  Memory values_, gradients_;
  primitive::PackedRnnWeights packed_;
  primitive::RnnWorkspace workspace_;
  primitive::ForwardArguments arguments_;
  std::vector<primitive::MutableWeightViews> diff_weights_;
  primitive::BackwardArguments back_;
};

/// The whole problem; without `gradients` forward only. Where one step reads a state of another width than it
/// gives, input and state stand side by side as the input, kernel and recurrent kernel one below the other.
[[nodiscard]] Results<double> run_ours(const Problem& problem,
                                       const Tensors<float>& inputs,
                                       const Tensors<float>& gradients);

}  // namespace recurra::onednn
