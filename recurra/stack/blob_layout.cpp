#include "recurra/stack/blob_layout.h"

#include <algorithm>
#include <array>

#include "recurra/base/error.h"

namespace recurra {

namespace {

constexpr const char* too_many = "parameters of the stack";

constexpr std::array part_names = {"W", "R", "b_W", "b_R"};

/// Numbers of one layer and direction with `input` features: G H (input + H) of matrices.
i64 matrix_numbers(const RnnStackShape& shape, i64 gates, i64 input) {
  const i64 rows = checked_multiply(gates, shape.units, too_many);
  return checked_multiply(rows, checked_add(input, shape.units, too_many), too_many);
}

}  // namespace

BlobLayout::BlobLayout(const RnnStackShape& shape)
    : shape_(shape), gate_places_(cell_of(shape.op).gate_places) {
  static_cast<void>(checked_size(shape.input, "input", 1));
  static_cast<void>(checked_size(shape.units, "units", 1));
  static_cast<void>(checked_size(shape.layers, "layers", 1));
  const i64 lowest = matrix_numbers(shape, gates(), input(0));
  const i64 others = checked_multiply(shape.layers - 1, matrix_numbers(shape, gates(), width()), too_many);
  matrices_ = checked_multiply(directions(), checked_add(lowest, others, too_many), too_many);
  const i64 biases = checked_multiply(shape.layers * directions() * 2, gates() * shape.units, too_many);
  parameters_ = checked_add(matrices_, biases, too_many);
}

std::string BlobLayout::parameters_text() const {
  const std::string H = std::to_string(shape_.units);
  const std::string D = shape_.bidirectional ? "2*" : "";
  const std::string G = gates() > 1 ? std::to_string(gates()) + "*" : "";
  const std::string end = " + " + H + " + 2)";
  std::string text =
      std::to_string(parameters_) + " parameters = " + D + G + H + "*(" + std::to_string(shape_.input) + end;
  if (shape_.layers > 1)
    text += " + " + std::to_string(shape_.layers - 1) + "*" + D + G + H + "*(" + D + H + end;
  return text;
}

Shape BlobLayout::infer(const Shape& declared) const {
  const Shape needed = matrix_shape();
  Shape found = declared;
  for (int axis = 0; axis < declared.rank() && declared.rank() == 2; ++axis) {
    if (declared[axis] == inferred_extent) found[axis] = needed[axis];
  }
  if (found == needed) return found;
  throw Error(ErrorCode::shape,
              "weights",
              "a matrix " + needed.to_string() + ", " + parameters_text() + ", or 0 for what is inferred",
              declared.to_string());
}

void BlobLayout::check(const Tensor& weights, const std::string& subject) const {
  if (weights.dtype() != Dtype::f32)
    throw Error(ErrorCode::dtype, subject, "f32", std::string(name_of(weights.dtype())));
  const Shape& shape = weights.shape();
  const Shape needed = matrix_shape();
  if (shape.rank() != 1 && shape.rank() != 2) {
    throw Error(
        ErrorCode::shape,
        subject,
        "a matrix " + needed.to_string() + ", or its numbers as (" + std::to_string(parameters_) + ")",
        shape.to_string());
  }
  if (weights.size() != parameters_) {
    throw Error(ErrorCode::shape,
                subject,
                parameters_text() + ", a matrix " + needed.to_string(),
                std::to_string(weights.size()) + ", " + shape.to_string());
  }
  if (shape.rank() == 1 || shape == needed || shape == Shape{needed[1], needed[0]}) return;
  throw Error(ErrorCode::shape,
              subject,
              std::to_string(shape_.units) + " rows, as many as units: " + needed.to_string(),
              shape.to_string());
}

i64 BlobLayout::offset(int layer, int direction, BlobPart part) const noexcept {
  const i64 rows = gates() * shape_.units;
  const auto pairs_before = i64{layer} * directions() + direction;
  if (part == BlobPart::b_W || part == BlobPart::b_R)
    return matrices_ + rows * (2 * pairs_before + (part == BlobPart::b_R ? 1 : 0));
  i64 offset = rows * direction * (input(layer) + shape_.units);
  if (layer > 0) {
    const i64 above_lowest = rows * (layer - 1) * (width() + shape_.units);
    offset += directions() * (rows * (shape_.input + shape_.units) + above_lowest);
  }
  return part == BlobPart::R ? offset + rows * input(layer) : offset;
}

std::vector<BlobPiece> BlobLayout::pieces() const {
  std::vector<BlobPiece> pieces;
  const std::span<const char* const> names = gate_names(shape_.op);
  const i64 units = shape_.units;
  const auto add = [&](int layer, int direction, BlobPart part) {
    const bool bias = part == BlobPart::b_W || part == BlobPart::b_R;
    const i64 columns = part == BlobPart::W ? input(layer) : units;
    i64 place = offset(layer, direction, part);
    for (int gate = 0; gate < gates(); ++gate) {
      BlobPiece piece{layer, direction, part, gate, place, bias ? Shape{units} : Shape{units, columns}};
      piece.name.append("layer")
          .append(std::to_string(layer))
          .append(direction == 0 ? ".forward." : ".backward.");
      piece.name.append(part_names[static_cast<std::size_t>(part)]).append(".");
      piece.name.append(names[static_cast<std::size_t>(gate)]);
      place += bias ? units : units * columns;
      pieces.push_back(std::move(piece));
    }
  };
  const BlobPart kinds[][2] = {{BlobPart::W, BlobPart::R}, {BlobPart::b_W, BlobPart::b_R}};
  for (const auto& kind : kinds) {
    for (int layer = 0; layer < layers(); ++layer) {
      for (int direction = 0; direction < directions(); ++direction) {
        for (const BlobPart part : kind) add(layer, direction, part);
      }
    }
  }
  return pieces;
}

Stack BlobLayout::stack() const {
  const OpCell cell = cell_of(shape_.op);
  Stack stack;
  stack.input = shape_.input;
  stack.direction = shape_.bidirectional ? Direction::concat : Direction::forward;
  Stack::Layer layer;
  layer.cell = cell.cell;
  layer.units = shape_.units;
  layer.activations = cell.activations;
  stack.layers.assign(static_cast<std::size_t>(shape_.layers), layer);
  return stack;
}

std::vector<Tensor> unpack_blob(const BlobLayout& layout, const Tensor& weights) {
  layout.check(weights);
  std::vector<Tensor> tensors;
  for (const BlobPiece& piece : layout.pieces()) {
    Tensor& tensor = tensors.emplace_back(piece.shape);
    std::copy_n(weights.data() + piece.offset, tensor.size(), tensor.data());
  }
  return tensors;
}

Tensor pack_blob(const BlobLayout& layout, const std::vector<Tensor>& pieces) {
  const std::vector<BlobPiece> places = layout.pieces();
  if (pieces.size() != places.size()) {
    throw Error(ErrorCode::shape,
                "pieces",
                std::to_string(places.size()) + ", as of BlobLayout::pieces",
                std::to_string(pieces.size()));
  }
  Tensor weights(layout.matrix_shape());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const BlobPiece& place = places[i];
    const Tensor& piece = pieces[i];
    if (piece.dtype() != Dtype::f32)
      throw Error(ErrorCode::dtype, place.name, "f32", std::string(name_of(piece.dtype())));
    if (piece.shape() != place.shape)
      throw Error(
          ErrorCode::shape, place.name, "shape " + place.shape.to_string(), piece.shape().to_string());
    std::copy_n(piece.data(), piece.size(), weights.data() + place.offset);
  }
  return weights;
}

}  // namespace recurra
