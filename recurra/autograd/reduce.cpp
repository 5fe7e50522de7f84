#include "recurra/autograd/reduce.h"

#include <algorithm>
#include <limits>

#include "recurra/autograd/arithmetic.h"
#include "recurra/autograd/call.h"
#include "recurra/autograd/loops.h"
#include "recurra/autograd/math.h"

namespace recurra::autograd {

namespace {

// Elements and what they are reduced to, walked together: 0 a dense tensor, 1 the result.
struct Reduction {
  Shape result;
  Loops<2> loops;
  i64 count;  // of elements that become one
};

Reduction plan(const Called& called, const Shape& shape, const Over& over) {
  std::vector<bool> goes(static_cast<std::size_t>(shape.rank()), over.axes.empty());
  for (const int axis : over.axes) {
    const auto at = static_cast<std::size_t>(called.axis(axis, shape.rank(), "over.axes"));
    if (goes[at])
      throw Error(ErrorCode::invalid_argument,
                  called.subject("over.axes"),
                  "each axis once",
                  std::to_string(axis) + " twice");
    goes[at] = true;
  }
  Shape kept = shape;
  std::vector<i64> left;
  i64 count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (goes[static_cast<std::size_t>(axis)]) {
      count *= shape[axis];
      kept[axis] = 1;
    } else {
      left.push_back(shape[axis]);
    }
  }
  const Strides to = broadcast_strides(kept, shape);
  return {over.keepdims ? kept : Shape(left), Loops<2>(shape, {dense_strides(shape), to}), count};
}

// Gives every element d of the result, times `scale`.
void spread(BackwardPass& pass, const Loops<2>& loops, float scale) {
  const float* const d = pass.gradient(0)->data();
  const bool adds = pass.has_sum(0);
  float* const sum = (adds ? pass.sum(0) : pass.unset_sum(0)).data();
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    float* const to = sum + place[0];
    const float* const from = d + place[1];
    for (i64 i = 0; i < count; ++i) to[i] = (adds ? to[i] : 0.0F) + from[i * stride[1]] * scale;
  });
}

Variable scaled_sum(const Called& called, const Variable& x, const Over& over, bool divides) {
  const Tensor& from = called.value(x, "x");
  const Reduction reduction = plan(called, from.shape(), over);
  Tensor y = Tensor::recycled(reduction.result);
  std::ranges::fill(y.as<float>(), 0.0F);
  for_each_run(reduction.loops, [&](const auto& place, i64 count, const auto& stride) {
    const float* const in = from.data() + place[0];
    float* const to = y.data() + place[1];
    if (stride[1] == 0) {
      *to += sum_of(count, [&](i64 i) { return in[i]; });
    } else {
      for (i64 i = 0; i < count; ++i) to[i * stride[1]] += in[i];
    }
  });
  const float scale = divides ? 1.0F / static_cast<float>(reduction.count) : 1.0F;
  if (divides) {
    for (float& value : y.as<float>()) value /= static_cast<float>(reduction.count);
  }
  return called.result({x}, std::move(y), [loops = reduction.loops, scale](BackwardPass& pass) {
    spread(pass, loops, scale);
  });
}

// Shares the gradient of a result among the elements that are equal to it.
void share_among_equals(BackwardPass& pass, const Loops<2>& loops) {
  const Tensor& x = pass.input(0);
  const Tensor& y = pass.output(0);
  Tensor share = Tensor::recycled(y.shape());
  std::ranges::fill(share.as<float>(), 0.0F);
  const auto for_each_equal = [&](const auto& visit) {
    for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
      for (i64 i = 0; i < count; ++i) {
        const i64 to = place[1] + i * stride[1];
        if (x.data()[place[0] + i] == y.data()[to]) visit(place[0] + i, to);
      }
    });
  };
  for_each_equal([&](i64, i64 to) { ++share.data()[to]; });
  const float* const d = pass.gradient(0)->data();
  for (i64 i = 0; i < share.size(); ++i) share.data()[i] = d[i] / share.data()[i];
  float* const sum = pass.sum(0).data();
  for_each_equal([&](i64 from, i64 to) { sum[from] += share.data()[to]; });
}

Variable largest(const Called& called, const Variable& x, const Over& over) {
  const Tensor& from = called.value(x, "x");
  const Reduction reduction = plan(called, from.shape(), over);
  Tensor y = Tensor::recycled(reduction.result);
  if (reduction.count == 0 && y.size() > 0)
    throw Error(ErrorCode::shape, called.subject("x"), "a place to be the result", from.shape().to_string());
  std::ranges::fill(y.as<float>(), -std::numeric_limits<float>::infinity());
  for_each_run(reduction.loops, [&](const auto& place, i64 count, const auto& stride) {
    const float* const in = from.data() + place[0];
    float* const to = y.data() + place[1];
    for (i64 i = 0; i < count; ++i) {
      float& most = to[i * stride[1]];
      if (in[i] > most || in[i] != in[i]) most = in[i];
    }
  });
  return called.result(
      {x}, std::move(y), [loops = reduction.loops](BackwardPass& pass) { share_among_equals(pass, loops); });
}

}  // namespace

Variable sum(const Variable& x, const Over& over, std::string_view name) {
  return scaled_sum({"sum", name}, x, over, false);
}

Variable mean(const Variable& x, const Over& over, std::string_view name) {
  return scaled_sum({"mean", name}, x, over, true);
}

Variable max(const Variable& x, const Over& over, std::string_view name) {
  return largest({"max", name}, x, over);
}

Variable min(const Variable& x, const Over& over, std::string_view name) {
  const Called called{"min", name};
  static_cast<void>(called.value(x, "x"));
  const Variable y = -largest(called, -x, over);
  return name.empty() ? y : y.named(name);
}

}  // namespace recurra::autograd
