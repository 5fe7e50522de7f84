#include "recurra/autograd/losses.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "recurra/autograd/arithmetic.h"
#include "recurra/autograd/call.h"
#include "recurra/autograd/loops.h"
#include "recurra/autograd/math.h"
#include "recurra/autograd/reduce.h"
#include "recurra/autograd/scope.h"
#include "recurra/autograd/shapes.h"
#include "recurra/engine/activations.h"

namespace recurra::autograd {

namespace {

constexpr Activation exponential{ActivationKind::exponential};

// Rows of the last axis.
struct Rows {
  i64 count = 0;
  i64 width = 0;

  explicit Rows(const Tensor& x) : count(0), width(x.shape().back()) {
    if (width > 0) count = x.size() / width;
  }
};

// exp(x - the largest of its row).
Tensor scaled_exponentials(const Tensor& x, const Rows& rows, const Target& kernels) {
  Tensor y = Tensor::recycled(x.shape());
  for (i64 row = 0; row < rows.count; ++row) {
    const float* const from = x.data() + row * rows.width;
    float* const to = y.data() + row * rows.width;
    const float most = *std::max_element(from, from + rows.width);
    for (i64 i = 0; i < rows.width; ++i) to[i] = from[i] - most;
  }
  recurra::activate(exponential, y.as<float>(), y.as<float>(), kernels);
  return y;
}

float row_sum(const float* row, i64 width) {
  return sum_of(width, [&](i64 i) { return row[i]; });
}

Variable softmax_of_last(const Called& called, const Variable& x) {
  const Rows rows(x.value());
  Tensor y = scaled_exponentials(x.value(), rows, target());
  for (i64 row = 0; row < rows.count; ++row) {
    float* const at = y.data() + row * rows.width;
    const float scale = 1.0F / row_sum(at, rows.width);
    for (i64 i = 0; i < rows.width; ++i) at[i] *= scale;
  }
  return called.result({x}, std::move(y), [rows](BackwardPass& pass) {
    Tensor d = pass.take_gradient(0);
    for (i64 row = 0; row < rows.count; ++row) {
      float* const dx = d.data() + row * rows.width;
      const float* const y = pass.output(0).data() + row * rows.width;
      const float mean = sum_of(rows.width, [&](i64 i) { return dx[i] * y[i]; });
      for (i64 i = 0; i < rows.width; ++i) dx[i] = y[i] * (dx[i] - mean);
    }
    pass.add(0, std::move(d));
  });
}

Variable log_softmax_of_last(const Called& called, const Variable& x) {
  const Tensor& from = x.value();
  const Rows rows(from);
  Tensor y = scaled_exponentials(from, rows, target());
  for (i64 row = 0; row < rows.count; ++row) {
    const float* const in = from.data() + row * rows.width;
    float* const to = y.data() + row * rows.width;
    const float most = *std::max_element(in, in + rows.width);
    const float log_of_sum = std::log(row_sum(to, rows.width));
    for (i64 i = 0; i < rows.width; ++i) to[i] = in[i] - most - log_of_sum;
  }
  return called.result({x}, std::move(y), [rows](BackwardPass& pass) {
    Tensor d = pass.take_gradient(0);
    Tensor share = Tensor::recycled(d.shape());
    recurra::activate(exponential, pass.output(0).as<float>(), share.as<float>(), target());
    for (i64 row = 0; row < rows.count; ++row) {
      float* const dx = d.data() + row * rows.width;
      const float* const p = share.data() + row * rows.width;
      const float whole = row_sum(dx, rows.width);
      for (i64 i = 0; i < rows.width; ++i) dx[i] -= p[i] * whole;
    }
    pass.add(0, std::move(d));
  });
}

// f of the last axis, for any other by exchanging both.
template <class F>
Variable along_axis(const Called& called, const Variable& x, int axis, const F& f) {
  const Shape& shape = called.value(x, "x").shape();
  const int last = shape.rank() - 1;
  const int at = called.axis(axis, shape.rank());
  if (at == last) return f(called, x);
  std::vector<int> axes;
  for (int i = 0; i <= last; ++i) axes.push_back(i == at ? last : i == last ? at : i);
  const Variable y = permute(f(called, permute(x, axes)), axes);
  return called.name.empty() ? y : y.named(called.name);
}

i64 label_of(const Tensor& labels, i64 row) {
  const auto at = static_cast<std::size_t>(row);
  return labels.dtype() == Dtype::i32 ? i64{labels.as<std::int32_t>()[at]} : labels.as<i64>()[at];
}

void check_labels(const Called& called, const Tensor& labels, i64 classes) {
  if (labels.dtype() != Dtype::i32 && labels.dtype() != Dtype::i64)
    throw Error(
        ErrorCode::dtype, called.subject("labels"), "i32 or i64", std::string(name_of(labels.dtype())));
  for (i64 row = 0; row < labels.size(); ++row) {
    const i64 label = label_of(labels, row);
    if (label < 0 || label >= classes) {
      throw Error(ErrorCode::invalid_argument,
                  called.subject("labels"),
                  "0 to " + std::to_string(classes - 1),
                  std::to_string(label));
    }
  }
}

Shape without_last(const Shape& shape) {
  std::vector<i64> extents = shape.extents();
  extents.pop_back();
  return Shape(std::move(extents));
}

// Throws Error (shape) unless x has a last axis, of at least one place.
const Tensor& classes_of(const Called& called, const Variable& x) {
  const Tensor& value = called.value(x, "logits");
  if (value.shape().rank() == 0 || value.shape().back() < 1) {
    throw Error(ErrorCode::shape, called.subject("logits"), "(..., classes)", value.shape().to_string());
  }
  return value;
}

void check_same(const Called& called, const Variable& x, const Shape& shape, const char* argument) {
  if (called.value(x, argument).shape() != shape)
    throw Error(ErrorCode::shape, called.subject(argument), shape.to_string(), x.shape().to_string());
}

}  // namespace

Variable softmax(const Variable& x, int axis, std::string_view name) {
  return along_axis({"softmax", name}, x, axis, softmax_of_last);
}

Variable log_softmax(const Variable& x, int axis, std::string_view name) {
  return along_axis({"log_softmax", name}, x, axis, log_softmax_of_last);
}

Variable softmax_cross_entropy(const Variable& logits, const Variable& targets, std::string_view name) {
  const Called called{"softmax_cross_entropy", name};
  check_same(called, targets, classes_of(called, logits).shape(), "targets");
  return sum(targets * negate(log_softmax_of_last(called, logits)), {{-1}}, name);
}

Variable sparse_softmax_cross_entropy(const Variable& logits, const Variable& labels, std::string_view name) {
  const Called called{"sparse_softmax_cross_entropy", name};
  const Tensor& x = classes_of(called, logits);
  const i64 classes = x.shape().back();
  const Shape rows = without_last(x.shape());
  const Tensor& given = called.any_value(labels, "labels");
  check_labels(called, given, classes);
  if (given.shape() != rows)
    throw Error(ErrorCode::shape, called.subject("labels"), rows.to_string(), given.shape().to_string());
  const Variable logs = log_softmax_of_last(called, logits);
  Tensor y = Tensor::recycled(rows);
  for (i64 row = 0; row < y.size(); ++row)
    y.data()[row] = -logs.value().data()[row * classes + label_of(given, row)];
  return called.result({logs, labels}, std::move(y), [classes](BackwardPass& pass) {
    const Tensor& d = *pass.gradient(0);
    Tensor& sum = pass.sum(0);
    for (i64 row = 0; row < d.size(); ++row)
      sum.data()[row * classes + label_of(pass.input(1), row)] -= d.data()[row];
  });
}

Variable mean_squared_error(const Variable& prediction, const Variable& target, std::string_view name) {
  const Called called{"mean_squared_error", name};
  const Shape& shape = called.value(prediction, "prediction").shape();
  if (shape.rank() == 0)
    throw Error(ErrorCode::shape, called.subject("prediction"), "(..., features)", shape.to_string());
  check_same(called, target, shape, "target");
  return mean(square(prediction - target), {{-1}}, name);
}

}  // namespace recurra::autograd
