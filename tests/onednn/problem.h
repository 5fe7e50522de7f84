/// A problem of oneDNN's RNN primitive in its own terms: what the runners of the comparison are given.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "recurra/base/activation.h"
#include "recurra/base/platform.h"

namespace recurra::onednn {

/// The primitive's tensors, dense in oneDNN's plain layouts: tnc, ldnc, ldigo, ldgo, ldio.
enum class Tensor {
  src_layer,           ///< (steps, batch, input)
  src_iter,            ///< (layers, directions, batch, recurrent)
  src_iter_c,          ///< (layers, directions, batch, units)
  attention,           ///< (steps, batch, 1)
  weights_layer,       ///< (layers, directions, input, gates, units)
  weights_iter,        ///< (layers, directions, recurrent, gates, units)
  weights_peephole,    ///< (layers, directions, 3, units)
  weights_projection,  ///< (layers, directions, units, width)
  bias,                ///< (layers, directions, gates, or one more where the reset comes after, units)
  dst_layer,           ///< (steps, batch, width, or twice that where directions are put side by side)
  dst_iter,            ///< (layers, directions, batch, width)
  dst_iter_c,          ///< (layers, directions, batch, units)
};

inline constexpr Tensor all_tensors[] = {Tensor::src_layer,
                                         Tensor::src_iter,
                                         Tensor::src_iter_c,
                                         Tensor::attention,
                                         Tensor::weights_layer,
                                         Tensor::weights_iter,
                                         Tensor::weights_peephole,
                                         Tensor::weights_projection,
                                         Tensor::bias,
                                         Tensor::dst_layer,
                                         Tensor::dst_iter,
                                         Tensor::dst_iter_c};

[[nodiscard]] const char* name_of(Tensor tensor);

/// Whether the primitive writes it: its gradient then comes from outside.
[[nodiscard]] constexpr bool is_output(Tensor tensor) {
  return tensor >= Tensor::dst_layer;
}

/// Numbers of some tensors, or their gradients.
template <class T>
using Tensors = std::map<Tensor, std::vector<T>>;

struct Problem {
  std::string name;
  /// rnn_tanh, rnn_relu, rnn_logistic, lstm, lstm_peephole, lstmp, lstmp_peephole, gru, lbr_gru, augru or
  /// lbr_augru.
  std::string cell;
  std::string direction = "left2right";  ///< or right2left, concat, sum
  i64 layers = 1, steps = 1, batch = 1;
  i64 input = 1;       ///< slc
  i64 recurrent = 1;   ///< sic
  i64 units = 1;       ///< dhc
  i64 width = 1;       ///< dic
  bool states = true;  ///< initial states come in and final ones go out

  [[nodiscard]] bool is_lstm() const { return cell.starts_with("lstm"); }

  [[nodiscard]] bool has_peephole() const { return cell.ends_with("peephole"); }

  [[nodiscard]] bool has_projection() const { return cell.starts_with("lstmp"); }

  [[nodiscard]] bool has_attention() const { return cell.ends_with("augru"); }

  [[nodiscard]] bool resets_after() const { return cell.starts_with("lbr"); }

  [[nodiscard]] i64 gates() const { return is_lstm() ? 4 : cell.starts_with("rnn") ? 1 : 3; }

  [[nodiscard]] i64 directions() const { return direction == "concat" || direction == "sum" ? 2 : 1; }

  /// Lengths of the tensor's axes; empty for one that the problem does not have.
  [[nodiscard]] std::vector<i64> shape(Tensor tensor) const;

  /// Numbers in the tensor, 0 for one that the problem does not have.
  [[nodiscard]] std::size_t size(Tensor tensor) const;

  /// Of the products of the way forward.
  [[nodiscard]] double flops() const;
};

/// The cell of ours that a problem's is, with its activations where they are not the cell's own.
struct Cell {
  std::string name;
  std::vector<Activation> activations = {};
};

/// Throws std::runtime_error for one that we do not have.
[[nodiscard]] Cell cell_of(const Problem& problem);

/// What a run gives: the outputs, and in training the gradients of all else.
template <class T>
struct Results {
  Tensors<T> outputs, gradients;
};

/// Dense, signed, not to be mistaken for each other: weights in +-1/sqrt(units), normal inputs, states in
/// (-1, 1), attention in (0, 1). Every number is a float.
[[nodiscard]] Tensors<float> random_inputs(const Problem& problem, std::uint64_t seed);

/// Normal gradients of the outputs.
[[nodiscard]] Tensors<float> random_gradients(const Problem& problem, std::uint64_t seed);

/// The rows of a file like tests/data/onednn_shapes.json.
[[nodiscard]] std::vector<Problem> read_problems(const std::string& path);

/// The batch and then the steps reduced until the way forward takes `most` flops; the batch to no less
/// than 7.
[[nodiscard]] Problem reduced(Problem problem, double most);

}  // namespace recurra::onednn
