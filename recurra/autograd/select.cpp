#include "recurra/autograd/select.h"

#include <algorithm>

#include "recurra/autograd/call.h"
#include "recurra/autograd/loops.h"
#include "recurra/base/shortest.h"

namespace recurra::autograd {

namespace {

// 1 and 0 in f32, whatever the condition is made of.
Tensor flags_of(const Called& called, const Variable& condition) {
  const Tensor& given = called.any_value(condition, "condition");
  Tensor flags = Tensor::recycled(given.shape());
  const auto write = [&](const auto& values) {
    std::ranges::transform(values, flags.data(), [](auto value) { return value != 0 ? 1.0F : 0.0F; });
  };
  if (given.dtype() == Dtype::u8) {
    write(given.as<std::uint8_t>());
  } else if (given.dtype() == Dtype::f32) {
    write(given.as<float>());
  } else {
    throw Error(
        ErrorCode::dtype, called.subject("condition"), "u8 or f32", std::string(name_of(given.dtype())));
  }
  return flags;
}

// Adds d to the elements of `sum` it was taken from: where the flag is `taken`.
void add_taken(const Tensor& d, const Tensor& flags, float taken, Tensor& sum) {
  const Shape& shape = d.shape();
  const Loops<3> loops(
      shape,
      {dense_strides(shape), broadcast_strides(flags.shape(), shape), broadcast_strides(sum.shape(), shape)});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    const float* from = d.data() + place[0];
    const float* flag = flags.data() + place[1];
    float* to = sum.data() + place[2];
    for (i64 i = 0; i < count; ++i) {
      if (flag[i * stride[1]] == taken) to[i * stride[2]] += from[i];
    }
  });
}

}  // namespace

Variable where(const Variable& condition, const Variable& a, const Variable& b, std::string_view name) {
  const Called called{"where", name};
  const Tensor& x = called.value(a, "a");
  const Tensor& z = called.value(b, "b");
  auto flags = std::make_shared<const Tensor>(flags_of(called, condition));
  const Shape shape =
      broadcast(broadcast(x.shape(), z.shape(), called.subject("")), flags->shape(), called.subject(""));
  Tensor y = Tensor::recycled(shape);
  const Loops<4> loops(shape,
                       {dense_strides(shape),
                        broadcast_strides(flags->shape(), shape),
                        broadcast_strides(x.shape(), shape),
                        broadcast_strides(z.shape(), shape)});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    float* to = y.data() + place[0];
    const float* flag = flags->data() + place[1];
    const float* from_a = x.data() + place[2];
    const float* from_b = z.data() + place[3];
    for (i64 i = 0; i < count; ++i)
      to[i] = flag[i * stride[1]] != 0 ? from_a[i * stride[2]] : from_b[i * stride[3]];
  });
  return called.result({a, b}, std::move(y), [flags](BackwardPass& pass) {
    if (pass.wants(0)) add_taken(*pass.gradient(0), *flags, 1, pass.sum(0));
    if (pass.wants(1)) add_taken(*pass.gradient(0), *flags, 0, pass.sum(1));
  });
}

Variable clip(const Variable& x, float low, float high, std::string_view name) {
  const Called called{"clip", name};
  const Tensor& from = called.value(x, "x");
  if (!(low <= high)) {
    throw Error(ErrorCode::invalid_argument,
                called.subject("high"),
                "at least low, " + shortest(low),
                shortest(high));
  }
  Tensor y = Tensor::recycled(from.shape());
  // Comparisons as in std::clamp: NaN passes.
  std::ranges::transform(from.as<float>(), y.data(), [=](float v) {
    return v < low ? low : v > high ? high : v;
  });
  return called.result({x}, std::move(y), [low, high](BackwardPass& pass) {
    Tensor d = pass.take_gradient(0);
    const float* from = pass.input(0).data();
    float* to = d.data();
    for (i64 i = 0; i < d.size(); ++i) to[i] = from[i] < low || from[i] > high ? 0.0F : to[i];
    pass.add(0, std::move(d));
  });
}

}  // namespace recurra::autograd
