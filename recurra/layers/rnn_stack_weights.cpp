#include "recurra/layers/rnn_stack_weights.h"

#include <algorithm>

namespace recurra {

namespace {

/// Calls visit(offset in the blob, offset in the native matrix) for all elements of W or R.
template <class Visit>
void for_each_element(const BlobLayout& layout, int layer, int direction, BlobPart part, Visit visit) {
  const i64 units = layout.shape().units;
  const i64 columns = part == BlobPart::W ? layout.input(layer) : units;
  const int* places = cell_of(layout.shape().op).gate_places;
  const i64 first = layout.offset(layer, direction, part);
  for (int gate = 0; gate < layout.gates(); ++gate) {
    const i64 place = first + (places != nullptr ? places[gate] : gate) * units * columns;
    for (i64 column = 0; column < columns; ++column) {
      for (i64 unit = 0; unit < units; ++unit)
        visit(place + unit * columns + column, (column * layout.gates() + gate) * units + unit);
    }
  }
}

/// Calls visit(offset in the blob, offset in a native row of biases) for the first unit of every gate.
template <class Visit>
void for_each_bias(const BlobLayout& layout, int layer, int direction, BlobPart part, Visit visit) {
  const i64 units = layout.shape().units;
  const int* places = cell_of(layout.shape().op).gate_places;
  const i64 first = layout.offset(layer, direction, part);
  for (int gate = 0; gate < layout.gates(); ++gate)
    visit(first + (places != nullptr ? places[gate] : gate) * units, gate * units);
}

bool has_two_biases(const BlobLayout& layout) {
  return layout.shape().op == RecurrentOp::gru;
}

}  // namespace

std::vector<Tensor> native_weights(const BlobLayout& layout, const float* blob, int layer, int direction) {
  const i64 units = layout.shape().units;
  const i64 columns = layout.gates() * units;
  std::vector<Tensor> weights;
  weights.emplace_back(Shape{layout.input(layer), columns});
  weights.emplace_back(Shape{units, columns});
  weights.emplace_back(has_two_biases(layout) ? Shape{2, columns} : Shape{columns});
  for (const BlobPart part : {BlobPart::W, BlobPart::R}) {
    float* to = weights[part == BlobPart::W ? 0 : 1].data();
    for_each_element(layout, layer, direction, part, [&](i64 from, i64 place) { to[place] = blob[from]; });
  }
  float* bias = weights[2].data();
  for_each_bias(layout, layer, direction, BlobPart::b_W, [&](i64 from, i64 place) {
    std::copy_n(blob + from, units, bias + place);
  });
  for_each_bias(layout, layer, direction, BlobPart::b_R, [&](i64 from, i64 place) {
    for (i64 unit = 0; unit < units; ++unit) {
      if (has_two_biases(layout)) {
        bias[columns + place + unit] = blob[from + unit];
      } else {
        bias[place + unit] += blob[from + unit];  // the order in which the engine adds them
      }
    }
  });
  return weights;
}

void put_native_weights(const BlobLayout& layout,
                        std::span<const Parameter* const> weights,
                        int layer,
                        int direction,
                        float* blob) {
  const i64 units = layout.shape().units;
  const i64 columns = layout.gates() * units;
  for (const BlobPart part : {BlobPart::W, BlobPart::R}) {
    const float* from = weights[part == BlobPart::W ? 0 : 1]->value.data();
    for_each_element(
        layout, layer, direction, part, [&](i64 place, i64 native) { blob[place] = from[native]; });
  }
  const float* bias = weights.size() > 2 ? weights[2]->value.data() : nullptr;
  for_each_bias(layout, layer, direction, BlobPart::b_W, [&](i64 place, i64 native) {
    for (i64 unit = 0; unit < units; ++unit)
      blob[place + unit] = bias != nullptr ? bias[native + unit] : 0.0F;
  });
  for_each_bias(layout, layer, direction, BlobPart::b_R, [&](i64 place, i64 native) {
    for (i64 unit = 0; unit < units; ++unit) {
      float& to = blob[place + unit];
      to = 0;
      if (bias == nullptr) continue;
      if (has_two_biases(layout)) {
        to = bias[columns + native + unit];
      } else if (bias[native + unit] == 0) {
        to = bias[native + unit];  // a zero keeps its sign in the sum
      }
    }
  });
}

}  // namespace recurra
