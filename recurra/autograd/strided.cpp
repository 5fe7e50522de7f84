#include "recurra/autograd/strided.h"

namespace recurra::autograd {

void add_to_view(const StridedView& view, const float* from, float* to) {
  const Loops<2> loops(view.shape, {dense_strides(view.shape), view.strides});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    const float* const in = from + place[0];
    float* const out = to + view.offset + place[1];
    if (stride[1] == 0) {
      *out += sum_of(count, [&](i64 i) { return in[i]; });
    } else if (stride[1] == 1) {
      for (i64 i = 0; i < count; ++i) out[i] += in[i];
    } else {
      for (i64 i = 0; i < count; ++i) out[i * stride[1]] += in[i];
    }
  });
}

Variable view_of(const Called& called, const Variable& x, StridedView view) {
  const Tensor& from = called.any_value(x, "x");
  Tensor y = Tensor::recycled(view.shape, from.dtype());
  // All kinds are of 1, 4 or 8 bytes: what they mean does not matter to a copy.
  switch (size_of(from.dtype())) {
    case 1:
      read_view(view, static_cast<const std::uint8_t*>(from.raw()), static_cast<std::uint8_t*>(y.raw()));
      break;
    case 4:
      read_view(view, static_cast<const std::uint32_t*>(from.raw()), static_cast<std::uint32_t*>(y.raw()));
      break;
    default:
      read_view(view, static_cast<const std::uint64_t*>(from.raw()), static_cast<std::uint64_t*>(y.raw()));
  }
  return called.result({x}, std::move(y), [view = std::move(view)](BackwardPass& pass) {
    add_to_view(view, pass.gradient(0)->data(), pass.sum(0).data());
  });
}

}  // namespace recurra::autograd
