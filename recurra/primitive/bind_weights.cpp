/// Plain weights: one view a layer and direction, or one of all.
#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/primitive/bind.h"
#include "recurra/primitive/cell_traits.h"

namespace recurra::primitive {

namespace {

/// A tensor's name in texts, as weight and as gradient, and those of its dimensions, of one layer and of all.
struct Names {
  const char* weight;
  const char* gradient;
  const char* one;
  const char* whole;
};

constexpr Names layer_names{"weights_layer",
                            "diff_weights_layer",
                            "(input, gates, units)",
                            "(layers, directions, input, gates, units)"};
constexpr Names iter_names{"weights_iter",
                           "diff_weights_iter",
                           "(channels of h, gates, units)",
                           "(layers, directions, channels of h, gates, units)"};
constexpr Names bias_names{
    "bias", "diff_bias", "(bias rows, units)", "(layers, directions, bias rows, units)"};
constexpr Names diagonal_names{
    "weights_iter", "diff_weights_iter", "(1, units)", "(layers, directions, 1, units)"};
constexpr Names peephole_names{
    "weights_peephole", "diff_weights_peephole", "(i f o, units)", "(layers, directions, i f o, units)"};
constexpr Names norm_names{"weights_norm",
                           "diff_weights_norm",
                           "(gains and shifts, units)",
                           "(layers, directions, gains and shifts, units)"};
constexpr Names projection_names{"weights_projection",
                                 "diff_weights_projection",
                                 "(units, projection)",
                                 "(layers, directions, units, projection)"};

/// One layer's and direction's part of a weight, with the strides of its own dimensions.
template <class T>
struct Part {
  T* data = nullptr;
  i64 strides[3] = {};
};

/// What the tensors are for.
enum class Purpose { weights, unpacked, gradients };

/// Binds the weights of one layer and direction after another. T is const float or float.
template <class T>
class WeightBinder {
 public:
  using View = TensorViewOf<std::conditional_t<std::is_const_v<T>, const void, void>>;

  WeightBinder(const RnnPrimitive& primitive, Purpose purpose) : primitive_(primitive), purpose_(purpose) {}

  /// `weights(i)` is what gets those of layer and direction i.
  template <class At>
  void bind(std::span<const WeightViewsOf<View>> views, std::size_t count, At weights) {
    whole_ = views.size() == 1 && is_whole(views[0]);
    if (whole_ && views[0].layer.exists()) check_inputs();
    if (!whole_ && views.size() != count) {
      throw Error(ErrorCode::shape,
                  purpose_ == Purpose::gradients ? "diff_weights" : "weights",
                  std::to_string(count) + ", one for each layer and direction, or one of whole tensors",
                  std::to_string(views.size()));
    }
    for (std::size_t i = 0; i < count; ++i) {
      run_ = static_cast<int>(i);
      weights(i) = bind_one(views[whole_ ? 0 : i]);
    }
  }

 private:
  [[nodiscard]] int layer() const { return run_ / primitive_.plan().directions(); }

  [[nodiscard]] int direction() const { return run_ % primitive_.plan().directions(); }

  /// Whether a tensor is of all layers and directions: each has two dimensions more then. All are or none.
  [[nodiscard]] bool is_whole(const WeightViewsOf<View>& views) const {
    const bool diagonal = traits_of(primitive_.desc()).params == ParamTensor::iter;
    return views.layer.desc().rank() == 5 || views.iter.desc().rank() == (diagonal ? 4 : 5) ||
           views.peephole.desc().rank() == 4 || views.projection.desc().rank() == 4 ||
           views.norm.desc().rank() == 4 || views.bias.desc().rank() == 4;
  }

  /// Layers of one tensor have one input.
  void check_inputs() const {
    const i64 first = primitive_.plan().plan(0, 0).input();
    for (int layer = 1; layer < primitive_.plan().layers(); ++layer) {
      const i64 input = primitive_.plan().plan(layer, 0).input();
      if (input == first) continue;
      throw Error(ErrorCode::shape,
                  purpose_ == Purpose::gradients ? layer_names.gradient : layer_names.weight,
                  "one tensor for each layer and direction, since layer " + std::to_string(layer) +
                      " has an input of " + std::to_string(input) + " and layer 0 of " +
                      std::to_string(first),
                  "one tensor of all layers");
    }
  }

  WeightsOf<T> bind_one(const WeightViewsOf<View>& views) {
    const Plan& plan = primitive_.plan().plan(layer(), direction());
    const RnnDesc& desc = primitive_.desc();
    const i64 gates = plan.cell().gates;
    const i64 units = plan.units();
    const i64 params = plan.cell().params;
    const ParamTensor tensor = traits_of(desc).params;
    WeightsOf<T> to;
    const Part<T> W = part(views.layer, layer_names, true, {plan.input(), gates, units});
    to.W = W.data;
    to.W_strides = {W.strides[0], W.strides[1], W.strides[2]};
    if (tensor == ParamTensor::iter) {
      set_params(part(views.iter, diagonal_names, true, {params, units}), 0, to);
    } else {
      const Part<T> U = part(views.iter, iter_names, true, {plan.width(), gates, units});
      to.U = U.data;
      to.U_strides = {U.strides[0], U.strides[1], U.strides[2]};
    }
    const bool peephole = tensor == ParamTensor::peephole;
    const Part<T> seen = part(views.peephole, peephole_names, peephole, {params, units});
    if (peephole) set_params(seen, 0, to);
    const bool norm = tensor == ParamTensor::norm;
    const Part<T> gains = part(views.norm, norm_names, norm, {params, units});
    if (norm) set_params(gains, 0, to);
    const Part<T> P = part(views.projection, projection_names, desc.projection > 0, {units, plan.width()});
    to.P = P.data;
    to.P_strides = {P.strides[0], 0, P.strides[1]};
    const bool more = tensor == ParamTensor::bias;
    const Part<T> b = part(views.bias, bias_names, desc.tensors.bias, {gates + (more ? params : 0), units});
    to.b = b.data;
    to.b_strides = {0, b.strides[0], b.strides[1]};
    if (more) set_params(b, gates, to);
    return to;
  }

  /// The engine's parameters are the rows of a tensor from `first` on.
  static void set_params(const Part<T>& rows, i64 first, WeightsOf<T>& to) {
    if (rows.data == nullptr) return;
    to.params = rows.data + first * rows.strides[0];
    to.params_strides = {0, rows.strides[0], rows.strides[1]};
  }

  /// Checks a tensor of dimensions `dims`, and finds the part of the layer and direction at hand.
  Part<T> part(const View& view, const Names& names, bool declared, std::initializer_list<i64> dims) const {
    const char* name = purpose_ == Purpose::gradients ? names.gradient : names.weight;
    if (!declared) {
      check_absent(view, name, "the descriptor has none");
      return {};
    }
    const int own = static_cast<int>(dims.size());
    Expected expected{{name, layer(), direction()}, own, {}, names.one};
    i64* extents = expected.dims;
    if (whole_) {
      expected.subject = {name};
      expected.rank = own + 2;
      expected.names = names.whole;
      *extents++ = primitive_.plan().layers();
      *extents++ = primitive_.plan().directions();
    }
    std::ranges::copy(dims, extents);
    expected.required = purpose_ == Purpose::weights;
    expected.written = purpose_ != Purpose::weights;
    expected.dense_channels = false;
    check_tensor(view, expected);
    if (!view.exists()) return {};
    Part<T> part{view.floats()};
    if (whole_) part.data += layer() * view.desc().stride(0) + direction() * view.desc().stride(1);
    for (int axis = 0; axis < own; ++axis) part.strides[axis] = view.desc().stride(axis + (whole_ ? 2 : 0));
    return part;
  }

  const RnnPrimitive& primitive_;
  Purpose purpose_;
  bool whole_ = false;  // the one view's tensors are of all layers and directions
  int run_ = 0;
};

}  // namespace

void bind_weights(const RnnPrimitive& primitive,
                  std::span<const WeightViews> views,
                  std::span<Weights> weights) {
  WeightBinder<const float>(primitive, Purpose::weights)
      .bind(views, weights.size(), [&](std::size_t i) -> Weights& { return weights[i]; });
}

void bind_unpacked(const RnnPrimitive& primitive,
                   std::span<const MutableWeightViews> views,
                   std::span<WeightGradients> weights) {
  WeightBinder<float>(primitive, Purpose::unpacked)
      .bind(views, weights.size(), [&](std::size_t i) -> WeightGradients& { return weights[i]; });
}

void bind_weight_gradients(const RnnPrimitive& primitive,
                           std::span<const MutableWeightViews> views,
                           std::span<StackRunGradients> runs) {
  if (views.empty()) return;
  WeightBinder<float>(primitive, Purpose::gradients)
      .bind(views, runs.size(), [&](std::size_t i) -> WeightGradients& { return runs[i].d_weights; });
}

}  // namespace recurra::primitive
