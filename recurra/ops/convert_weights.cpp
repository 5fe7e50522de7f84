#include "recurra/ops/convert_weights.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "recurra/base/error.h"
#include "recurra/ops/operation.h"

namespace recurra::ops {

namespace {

/// Where i, f, g, o stand.
[[nodiscard]] std::array<int, 4> places_of(LstmGateOrder order) {
  switch (order) {
    case LstmGateOrder::ifgo:
      return {0, 1, 2, 3};
    case LstmGateOrder::igfo:
      return {0, 2, 1, 3};
    case LstmGateOrder::iofg:
      return {0, 2, 3, 1};
  }
  throw Error(
      ErrorCode::unsupported, "gate order", "ifgo, igfo, iofg", std::to_string(static_cast<int>(order)));
}

void check(const Tensor& tensor, const char* name, const Shape& shape) {
  if (tensor.shape() != shape)
    throw Error(ErrorCode::shape, name, "shape " + shape.to_string(), tensor.shape().to_string());
}

/// Of a matrix rows first .. last, columns first .. last.
struct Part {
  i64 first_row, rows, first_column, columns;
};

/// Copies a part of a matrix to a place of another.
void copy_part(const Tensor& from, const Part& part, Tensor& to, i64 row, i64 column) {
  const i64 from_width = from.shape().back();
  const i64 to_width = to.shape().back();
  for (i64 k = 0; k < part.rows; ++k) {
    std::copy_n(from.data() + (part.first_row + k) * from_width + part.first_column,
                part.columns,
                to.data() + (row + k) * to_width + column);
  }
}

[[nodiscard]] Tensor take_part(const Tensor& from, const Part& part) {
  Tensor to({part.rows, part.columns});
  copy_part(from, part, to, 0, 0);
  return to;
}

[[nodiscard]] i64 last_extent(const Tensor& tensor, const char* name, i64 gates) {
  const i64 extent = tensor.shape().rank() > 0 ? tensor.shape().back() : 0;
  if (extent > 0 && extent % gates == 0) return extent / gates;
  throw Error(ErrorCode::shape,
              name,
              "a last extent of " + std::to_string(gates) + " * units",
              tensor.shape().to_string());
}

}  // namespace

Tensor reorder_gates(const Tensor& columns, LstmGateOrder from, LstmGateOrder to) {
  const i64 units = last_extent(columns, "columns", 4);
  const std::array<int, 4> source = places_of(from);
  const std::array<int, 4> target = places_of(to);
  Tensor moved(columns.shape());
  for (i64 row = 0; row < columns.size() / (4 * units); ++row) {
    for (std::size_t gate = 0; gate < 4; ++gate) {
      std::copy_n(columns.data() + (row * 4 + source[gate]) * units,
                  units,
                  moved.data() + (row * 4 + target[gate]) * units);
    }
  }
  return moved;
}

LstmLayerWeights layer_weights_of(const LstmWeights& weights, i64 features, float forget_bias) {
  const i64 units = last_extent(weights.weights, "weights", 4);
  check(weights.weights, "weights", {features + units, 4 * units});
  const Tensor all = reorder_gates(weights.weights, LstmGateOrder::igfo, LstmGateOrder::ifgo);
  LstmLayerWeights to{take_part(all, {0, features, 0, 4 * units}),
                      take_part(all, {features, units, 0, 4 * units})};
  if (given(weights.biases) != nullptr || forget_bias != 0) {
    to.biases = Tensor({4 * units});
    if (given(weights.biases) != nullptr) {
      check(weights.biases, "biases", {4 * units});
      to.biases = reorder_gates(weights.biases, LstmGateOrder::igfo, LstmGateOrder::ifgo);
    }
    for (i64 u = units; u < 2 * units; ++u) to.biases.data()[u] += forget_bias;
  }
  if (given(weights.input_peephole) == nullptr) return to;
  to.peephole_weights = Tensor({3 * units});
  const std::pair<const char*, const Tensor*> peepholes[] = {{"input_peephole", &weights.input_peephole},
                                                             {"forget_peephole", &weights.forget_peephole},
                                                             {"output_peephole", &weights.output_peephole}};
  i64 first = 0;
  for (const auto& [name, peephole] : peepholes) {
    check(*peephole, name, {units});
    std::copy_n(peephole->data(), units, to.peephole_weights.data() + first);
    first += units;
  }
  return to;
}

LstmWeights block_weights_of(const LstmLayerWeights& weights) {
  const i64 units = last_extent(weights.recurrent_weights, "recurrent_weights", 4);
  check(weights.recurrent_weights, "recurrent_weights", {units, 4 * units});
  const i64 features = weights.input_weights.shape()[0];
  check(weights.input_weights, "input_weights", {features, 4 * units});
  Tensor all({features + units, 4 * units});
  copy_part(weights.input_weights, {0, features, 0, 4 * units}, all, 0, 0);
  copy_part(weights.recurrent_weights, {0, units, 0, 4 * units}, all, features, 0);
  LstmWeights to{reorder_gates(all, LstmGateOrder::ifgo, LstmGateOrder::igfo)};
  if (given(weights.biases) != nullptr) {
    check(weights.biases, "biases", {4 * units});
    to.biases = reorder_gates(weights.biases, LstmGateOrder::ifgo, LstmGateOrder::igfo);
  }
  if (given(weights.peephole_weights) == nullptr) return to;
  check(weights.peephole_weights, "peephole_weights", {3 * units});
  i64 first = 0;
  for (Tensor* peephole : {&to.input_peephole, &to.forget_peephole, &to.output_peephole}) {
    *peephole = Tensor({units});
    std::copy_n(weights.peephole_weights.data() + first, units, peephole->data());
    first += units;
  }
  return to;
}

GruLayerWeights layer_weights_of(const GruWeights& weights, i64 features) {
  const i64 units = last_extent(weights.c_weights, "c_weights", 1);
  check(weights.c_weights, "c_weights", {features + units, units});
  check(weights.ru_weights, "ru_weights", {features + units, 2 * units});
  GruLayerWeights to{Tensor({features, 3 * units}), Tensor({units, 3 * units})};
  for (const auto& [matrix, first, rows] : {std::tuple{&to.input_weights, i64{0}, features},
                                            std::tuple{&to.recurrent_weights, features, units}}) {
    copy_part(weights.ru_weights, {first, rows, 0, 2 * units}, *matrix, 0, 0);
    copy_part(weights.c_weights, {first, rows, 0, units}, *matrix, 0, 2 * units);
  }
  if (given(weights.ru_biases) == nullptr && given(weights.c_biases) == nullptr) return to;
  to.biases = Tensor({3 * units});
  if (given(weights.ru_biases) != nullptr) {
    check(weights.ru_biases, "ru_biases", {2 * units});
    std::copy_n(weights.ru_biases.data(), 2 * units, to.biases.data());
  }
  if (given(weights.c_biases) != nullptr) {
    check(weights.c_biases, "c_biases", {units});
    std::copy_n(weights.c_biases.data(), units, to.biases.data() + 2 * units);
  }
  return to;
}

GruWeights cell_weights_of(const GruLayerWeights& weights) {
  const i64 units = last_extent(weights.recurrent_weights, "recurrent_weights", 3);
  check(weights.recurrent_weights, "recurrent_weights", {units, 3 * units});
  const i64 features = weights.input_weights.shape()[0];
  check(weights.input_weights, "input_weights", {features, 3 * units});
  GruWeights to{Tensor({features + units, 2 * units}), Tensor({features + units, units})};
  for (const auto& [matrix, first, rows] : {std::tuple{&weights.input_weights, i64{0}, features},
                                            std::tuple{&weights.recurrent_weights, features, units}}) {
    copy_part(*matrix, {0, rows, 0, 2 * units}, to.ru_weights, first, 0);
    copy_part(*matrix, {0, rows, 2 * units, units}, to.c_weights, first, 0);
  }
  if (given(weights.biases) == nullptr && given(weights.recurrent_biases) == nullptr) return to;
  Tensor sum({3 * units});
  for (const auto& [name, biases] :
       {std::pair{"biases", &weights.biases}, std::pair{"recurrent_biases", &weights.recurrent_biases}}) {
    if (given(*biases) == nullptr) continue;
    check(*biases, name, {3 * units});
    for (i64 k = 0; k < 3 * units; ++k) sum.data()[k] += biases->data()[k];
  }
  to.ru_biases = Tensor({2 * units});
  to.c_biases = Tensor({units});
  std::copy_n(sum.data(), 2 * units, to.ru_biases.data());
  std::copy_n(sum.data() + 2 * units, units, to.c_biases.data());
  return to;
}

}  // namespace recurra::ops
