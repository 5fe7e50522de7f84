/// Where the numbers of a stack of recurrent layers lie in cuDNN's single piece of weights, the blob.
///
/// Of every layer, lowest first, and direction, forward first: W (gates * units, input) and R (gates * units,
/// units), row-major; and behind all matrices, in the same order: b_W (gates * units) and b_R (gates *
/// units). A layer's input is the stack's, or the outputs of both directions of the layer below. There is no
/// padding. This is the layout of cuDNN 5 to 7 with its standard algorithm, and the memory of the one matrix
/// of weights of CNTK's OptimizedRNNStack.
#pragma once

#include <string>
#include <vector>

#include "recurra/base/tensor.h"
#include "recurra/engine/stack.h"
#include "recurra/stack/recurrent_op.h"

namespace recurra {

/// What decides on a blob's size.
struct RnnStackShape {
  RecurrentOp op = RecurrentOp::lstm;
  i64 input = 0;  ///< features of a step, > 0
  i64 units = 0;  ///< of one direction of a layer, > 0; CNTK's hiddenDims
  i64 layers = 1;
  bool bidirectional = false;

  bool operator==(const RnnStackShape&) const = default;
};

/// A kind of piece of the blob.
enum class BlobPart {
  W,    ///< weights of the input
  R,    ///< weights of the old output
  b_W,  ///< bias of the input's product
  b_R,  ///< bias of the recurrent product
};

/// A piece of the blob: of one layer, direction, kind and gate, contiguous.
struct BlobPiece {
  int layer = 0;
  int direction = 0;  ///< 0 forward, 1 backward
  BlobPart part = BlobPart::W;
  int gate = 0;        ///< in the blob's order: gate_names
  i64 offset = 0;      ///< in the blob, in numbers
  Shape shape;         ///< W (units, input), R (units, units), biases (units)
  std::string name{};  ///< `layer0.forward.W.i`
};

/// An extent of a matrix of weights that is to be found out: CNTK's Inferred.
inline constexpr i64 inferred_extent = 0;

/// The layout of one stack's blob. Immutable.
class RECURRA_API BlobLayout {
 public:
  /// Throws Error (invalid_argument) for sizes out of range, 1 to 2^20, and where the number of parameters
  /// does not fit.
  explicit BlobLayout(const RnnStackShape& shape);

  [[nodiscard]] const RnnStackShape& shape() const noexcept { return shape_; }

  [[nodiscard]] int layers() const noexcept { return static_cast<int>(shape_.layers); }

  [[nodiscard]] int directions() const noexcept { return shape_.bidirectional ? 2 : 1; }

  [[nodiscard]] int gates() const noexcept { return static_cast<int>(gate_names(shape_.op).size()); }

  /// Features that a layer sees.
  [[nodiscard]] i64 input(int layer) const noexcept {
    return layer == 0 ? shape_.input : directions() * shape_.units;
  }

  /// Features of an output.
  [[nodiscard]] i64 width() const noexcept { return directions() * shape_.units; }

  /// Numbers of the blob, P: with D directions, G gates, I features, H units and L layers
  ///
  ///   P = D G H (I + H + 2) + (L - 1) D G H (D H + H + 2)
  [[nodiscard]] i64 parameters() const noexcept { return parameters_; }

  /// The matrix: (units, parameters() / units).
  [[nodiscard]] Shape matrix_shape() const { return {shape_.units, parameters_ / shape_.units}; }

  /// The matrix's shape where `declared` leaves extents to be found out, inferred_extent. Throws Error
  /// (shape), naming the right one, for another rank and other extents.
  [[nodiscard]] Shape infer(const Shape& declared) const;

  /// Throws Error: dtype unless `weights` are f32, shape unless they are the blob, as (parameters()), (units,
  /// parameters() / units), or with both axes in the other order, as NumPy shows CNTK's matrix: its memory is
  /// the blob in any of these. The text has the right number, and how it comes about.
  void check(const Tensor& weights, const std::string& subject = "weights") const;

  /// Where the part of a layer and direction begins, all gates together.
  [[nodiscard]] i64 offset(int layer, int direction, BlobPart part) const noexcept;

  /// All pieces in the blob's order: together they are the blob.
  [[nodiscard]] std::vector<BlobPiece> pieces() const;

  /// `14868480 parameters = 2*4*512*(40 + 512 + 2) + 2*2*4*512*(2*512 + 512 + 2)`
  [[nodiscard]] std::string parameters_text() const;

  /// The stack as the engine has it.
  [[nodiscard]] Stack stack() const;

  /// The matrices of a layer and direction in `blob`, without biases; T is const float or float.
  template <class T>
  [[nodiscard]] WeightsOf<T> matrices(T* blob, int layer, int direction) const {
    WeightsOf<T> weights;
    weights.W = blob + offset(layer, direction, BlobPart::W);
    weights.U = blob + offset(layer, direction, BlobPart::R);
    weights.W_strides = strides(input(layer));
    weights.U_strides = strides(shape_.units);
    return weights;
  }

 private:
  [[nodiscard]] WeightStrides strides(i64 columns) const noexcept {
    return {1, shape_.units * columns, columns, gate_places_};
  }

  RnnStackShape shape_;
  const int* gate_places_;
  i64 parameters_ = 0;
  i64 matrices_ = 0;  // numbers of all matrices: the biases begin there
};

/// A tensor for each of `layout.pieces()`, copied out of the blob. Throws as BlobLayout::check.
[[nodiscard]] RECURRA_API std::vector<Tensor> unpack_blob(const BlobLayout& layout, const Tensor& weights);

/// The blob as a matrix, made of tensors as unpack_blob gives them. Throws Error (shape, dtype) unless each
/// has its piece's shape and is f32, and there are as many.
[[nodiscard]] RECURRA_API Tensor pack_blob(const BlobLayout& layout, const std::vector<Tensor>& pieces);

}  // namespace recurra
