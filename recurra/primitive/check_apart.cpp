/// Which tensors an execution reads and writes.
#include "recurra/primitive/bind.h"

namespace recurra::primitive {

namespace {

using Access = TensorPlaces::Access;

/// Final states may take the place of the initial ones, each of its own.
constexpr int pair_of_h = 1;
constexpr int pair_of_c = 2;
/// And so may the gradients.
constexpr int pair_of_dh = 3;
constexpr int pair_of_dc = 4;

/// One view a layer and direction, or one of all.
template <class Views>
void add_weights(const RnnPrimitive& primitive,
                 std::span<const Views> views,
                 Access access,
                 bool gradients,
                 TensorPlaces& places) {
  const int directions = primitive.plan().directions();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const int run = static_cast<int>(i);
    const auto add = [&](const char* weight, const char* gradient, const auto& view) {
      const char* name = gradients ? gradient : weight;
      places.add(views.size() == 1 ? Subject{name} : Subject{name, run / directions, run % directions},
                 view,
                 access);
    };
    add("weights_layer", "diff_weights_layer", views[i].layer);
    add("weights_iter", "diff_weights_iter", views[i].iter);
    add("weights_peephole", "diff_weights_peephole", views[i].peephole);
    add("weights_projection", "diff_weights_projection", views[i].projection);
    add("weights_norm", "diff_weights_norm", views[i].norm);
    add("bias", "diff_bias", views[i].bias);
  }
}

void add_packed(std::span<const std::byte> memory, Access access, TensorPlaces& places) {
  places.add({"packed weights"}, memory.data(), static_cast<i64>(memory.size()), access);
}

/// What both ways read, and the memory they work in.
void add_inputs(const RnnPrimitive& primitive, const ForwardArguments& a, RnnWorkspace& workspace) {
  TensorPlaces& places = workspace.places();
  places.clear();
  places.add({"src_layer"}, a.src_layer, Access::read);
  places.add({"src_iter"}, a.src_iter, Access::read, pair_of_h);
  places.add({"src_iter_c"}, a.src_iter_c, Access::read, pair_of_c);
  places.add({"attention"}, a.attention, Access::read);
  places.add({"zoneout"}, a.zoneout, Access::read);
  places.add({"zoneout_c"}, a.zoneout_c, Access::read);
  places.add({"lengths"}, a.lengths.data(), static_cast<i64>(a.lengths.size_bytes()), Access::read);
  add_weights(primitive, a.weights, Access::read, false, places);
  if (a.packed_weights != nullptr) add_packed(a.packed_weights->memory(), Access::read, places);
  for (const auto& [name, memory] : {std::pair{"workspace", workspace.given_workspace()},
                                     std::pair{"scratchpad", workspace.given_scratchpad()}})
    places.add({name}, memory.data(), static_cast<i64>(memory.size()), Access::written);
}

}  // namespace

void check_apart(const RnnPrimitive& primitive, const ForwardArguments& a, RnnWorkspace& workspace) {
  add_inputs(primitive, a, workspace);
  TensorPlaces& places = workspace.places();
  places.add({"dst_layer"}, a.dst_layer, Access::written);
  places.add({"dst_iter"}, a.dst_iter, Access::written, pair_of_h);
  places.add({"dst_iter_c"}, a.dst_iter_c, Access::written, pair_of_c);
  places.add({"dst_states"}, a.dst_states, Access::written);
  places.add({"dst_states_c"}, a.dst_states_c, Access::written);
  places.check();
}

void check_apart(const RnnPrimitive& primitive, const BackwardArguments& a, RnnWorkspace& workspace) {
  const ForwardArguments& f = a.forward;
  add_inputs(primitive, f, workspace);
  TensorPlaces& places = workspace.places();
  places.add({"dst_layer"}, f.dst_layer, Access::read);
  places.add({"dst_states"}, f.dst_states, Access::read);
  places.add({"dst_states_c"}, f.dst_states_c, Access::read);
  places.add({"diff_dst_layer"}, a.diff_dst_layer, Access::read);
  places.add({"diff_dst_iter"}, a.diff_dst_iter, Access::read, pair_of_dh);
  places.add({"diff_dst_iter_c"}, a.diff_dst_iter_c, Access::read, pair_of_dc);
  places.add({"diff_dst_states"}, a.diff_dst_states, Access::read);
  places.add({"diff_dst_states_c"}, a.diff_dst_states_c, Access::read);
  places.add({"diff_src_layer"}, a.diff_src_layer, Access::written);
  places.add({"diff_src_iter"}, a.diff_src_iter, Access::written, pair_of_dh);
  places.add({"diff_src_iter_c"}, a.diff_src_iter_c, Access::written, pair_of_dc);
  places.add({"diff_attention"}, a.diff_attention, Access::written);
  add_weights(primitive, a.diff_weights, Access::written, true, places);
  places.check();
}

void check_apart(const RnnPrimitive& primitive,
                 std::span<const WeightViews> plain,
                 std::span<const std::byte> packed) {
  TensorPlaces places(0);
  add_weights(primitive, plain, Access::read, false, places);
  add_packed(packed, Access::written, places);
  places.check();
}

void check_apart(const RnnPrimitive& primitive,
                 std::span<const MutableWeightViews> plain,
                 std::span<const std::byte> packed) {
  TensorPlaces places(0);
  add_weights(primitive, plain, Access::written, false, places);
  add_packed(packed, Access::read, places);
  places.check();
}

}  // namespace recurra::primitive
