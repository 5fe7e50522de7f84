/// Tensors that an execution writes lie apart from all others.
#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/primitive/bind.h"

namespace recurra::primitive {

namespace {

struct Range {
  std::intptr_t first, last;
};

Range range_of(const ConstTensorView& view) noexcept {
  const auto first = reinterpret_cast<std::intptr_t>(view.data());
  return {first, first + view.desc().size()};
}

/// Whether two sequences are columns of one larger: the same strides, and channels side by side.
bool are_columns_of_one(const ConstTensorView& a, const ConstTensorView& b) noexcept {
  const TensorDesc& x = a.desc();
  const TensorDesc& y = b.desc();
  if (x.rank() != 3 || y.rank() != 3 || x.stride(0) != y.stride(0) || x.stride(1) != y.stride(1))
    return false;
  const i64 row = std::min(x.stride(0), x.stride(1));
  const i64 between =
      (range_of(b).first - range_of(a).first) / static_cast<std::intptr_t>(sizeof(float)) % row;
  const i64 column = between < 0 ? between + row : between;
  return column >= x.dim(2) && column + y.dim(2) <= row;
}

bool overlap(const ConstTensorView& a, const ConstTensorView& b) noexcept {
  if (!a.exists() || !b.exists()) return false;
  const Range x = range_of(a);
  const Range y = range_of(b);
  return x.first < y.last && y.first < x.last && !are_columns_of_one(a, b);
}

}  // namespace

void check_apart(const NamedTensor& written, const NamedTensor& other, bool may_be_same) {
  if (!overlap(written.view, other.view)) return;
  const bool same = written.view.data() == other.view.data() && written.view.desc() == other.view.desc();
  if (may_be_same && same) return;
  throw Error(ErrorCode::invalid_argument,
              written.name,
              "memory apart from " + std::string(other.name) + "'s",
              "memory that overlaps it");
}

void check_apart(const ForwardArguments& a) {
  const NamedTensor read[] = {{"src_layer", a.src_layer},
                              {"src_iter", a.src_iter},
                              {"src_iter_c", a.src_iter_c},
                              {"attention", a.attention},
                              {"zoneout", a.zoneout},
                              {"zoneout_c", a.zoneout_c}};
  const NamedTensor written[] = {{"dst_layer", a.dst_layer},
                                 {"dst_iter", a.dst_iter},
                                 {"dst_iter_c", a.dst_iter_c},
                                 {"dst_states", a.dst_states},
                                 {"dst_states_c", a.dst_states_c}};
  for (int w = 0; w < 5; ++w) {
    for (int r = 0; r < 6; ++r) check_apart(written[w], read[r], w == r && (w == 1 || w == 2));
    for (int other = 0; other < w; ++other) check_apart(written[w], written[other], false);
  }
}

void check_apart(const BackwardArguments& a) {
  const ForwardArguments& f = a.forward;
  const NamedTensor read[] = {{"diff_dst_layer", a.diff_dst_layer},
                              {"diff_dst_iter", a.diff_dst_iter},
                              {"diff_dst_iter_c", a.diff_dst_iter_c},
                              {"src_layer", f.src_layer},
                              {"src_iter", f.src_iter},
                              {"src_iter_c", f.src_iter_c},
                              {"attention", f.attention},
                              {"dst_layer", f.dst_layer},
                              {"zoneout", f.zoneout},
                              {"zoneout_c", f.zoneout_c},
                              {"dst_states", f.dst_states},
                              {"diff_dst_states", a.diff_dst_states},
                              {"diff_dst_states_c", a.diff_dst_states_c}};
  const NamedTensor written[] = {{"diff_src_layer", a.diff_src_layer},
                                 {"diff_src_iter", a.diff_src_iter},
                                 {"diff_src_iter_c", a.diff_src_iter_c},
                                 {"diff_attention", a.diff_attention}};
  for (int w = 0; w < 4; ++w) {
    for (int r = 0; r < 13; ++r) check_apart(written[w], read[r], w == r && (w == 1 || w == 2));
    for (int other = 0; other < w; ++other) check_apart(written[w], written[other], false);
  }
}

}  // namespace recurra::primitive
