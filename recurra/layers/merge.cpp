#include "recurra/layers/merge.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

const char* type_of(MergeKind kind) {
  switch (kind) {
    case MergeKind::add:
      return "Add";
    case MergeKind::subtract:
      return "Subtract";
    case MergeKind::multiply:
      return "Multiply";
    case MergeKind::average:
      return "Average";
    case MergeKind::maximum:
      return "Maximum";
    case MergeKind::minimum:
      return "Minimum";
  }
  return "";
}

/// Keras's: the class in small letters.
std::string name_of_kind(MergeKind kind) {
  std::string name = type_of(kind);
  name[0] = static_cast<char>(name[0] - 'A' + 'a');
  return name;
}

/// Of extents of one axis; 0: they do not go together.
i64 merged_extent(i64 a, i64 b) {
  if (a == b) return a;
  if (a == 1) return b;
  if (b == 1) return a;
  // One known before training must be met by the other then.
  if (a == any_extent) return b;
  return b == any_extent ? a : 0;
}

/// Of rank `rank`, with extents 1 in front.
Shape raised(const Shape& shape, int rank) {
  std::vector<i64> extents = shape.extents();
  extents.insert(extents.begin(), static_cast<std::size_t>(rank - shape.rank()), 1);
  return Shape(extents);
}

bool all_have_masks(const Context& context) {
  return !context.masks.empty() && std::ranges::find(context.masks, nullptr) == context.masks.end();
}

void add_counted(const StepMask& from, std::span<std::uint8_t> to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = to[i] != 0 || from.data()[i] != 0 ? 1 : 0;
}

}  // namespace

Merge::Merge(MergeKind kind, std::string name)
    : FunctionLayer(name.empty() ? name_of_kind(kind) : std::move(name)), kind_(kind) {}

const char* Merge::type() const noexcept {
  return type_of(kind_);
}

nlohmann::json Merge::config() const {
  return base_config();
}

std::vector<Shape> Merge::build_function(std::span<const Shape> inputs, Random& random) {
  static_cast<void>(random);
  const bool two = kind_ == MergeKind::subtract;
  require_inputs(inputs.size(), two ? 2 : 1, two ? 2 : any_number);
  rank_ = 0;
  for (const Shape& input : inputs) rank_ = std::max(rank_, input.rank());
  Shape merged = raised(inputs[0], rank_);
  for (const Shape& input : inputs.subspan(1)) {
    const Shape other = raised(input, rank_);
    for (int axis = 0; axis < rank_; ++axis) {
      merged[axis] = merged_extent(merged[axis], other[axis]);
      if (merged[axis] != 0) continue;
      throw Error(ErrorCode::shape,
                  name() + ".inputs",
                  "extents that are the same or 1",
                  inputs[0].to_string() + " and " + input.to_string());
    }
  }
  return {merged};
}

autograd::Variable Merge::merged(const Variable& a, const Variable& b) const {
  switch (kind_) {
    case MergeKind::add:
    case MergeKind::average:
      return autograd::add(a, b);
    case MergeKind::subtract:
      return autograd::subtract(a, b);
    case MergeKind::multiply:
      return autograd::multiply(a, b);
    case MergeKind::maximum:
      return autograd::maximum(a, b);
    case MergeKind::minimum:
      return autograd::minimum(a, b);
  }
  return a;
}

std::vector<autograd::Variable> Merge::apply(std::span<const Variable> inputs,
                                             std::span<const Variable> weights,
                                             const Context& context) {
  static_cast<void>(weights);
  join_masks(context);
  Variable result;
  for (const Variable& input : inputs) {
    Variable x = input;
    while (x.shape().rank() < rank_ + 1) x = autograd::expand(x, 1);
    result = result.empty() ? x : merged(result, x);
  }
  if (kind_ == MergeKind::average)
    result = autograd::divide(result, autograd::scalar(static_cast<float>(inputs.size())));
  return {result};
}

void Merge::join_masks(const Context& context) {
  mask_.clear();
  if (!all_have_masks(context)) return;
  const StepMask& first = *context.masks[0];
  const std::span<std::uint8_t> counts = mask_.assign(first.batch(), first.steps());
  std::ranges::fill(counts, std::uint8_t{0});
  for (const StepMask* mask : context.masks) {
    if (mask->steps() != first.steps() || mask->batch() != first.batch()) {
      throw Error(ErrorCode::shape,
                  name() + ".masks",
                  "as many steps in each",
                  std::to_string(first.steps()) + " and " + std::to_string(mask->steps()));
    }
    add_counted(*mask, counts);
  }
}

const StepMask* Merge::output_mask(const Context& context) const {
  if (context.masks.empty()) return context.mask;  // of the only input
  return mask_.empty() ? nullptr : &mask_;
}

nlohmann::json Concatenate::config() const {
  nlohmann::json config = base_config();
  config["axis"] = axis_;
  return config;
}

std::vector<Shape> Concatenate::build_function(std::span<const Shape> inputs, Random& random) {
  static_cast<void>(random);
  require_inputs(inputs.size(), 1, any_number);
  const i64 rank = inputs[0].rank() + 1;
  const i64 place = axis_ < 0 ? axis_ + rank : axis_;
  if (place < 1 || place >= rank) {
    throw Error(ErrorCode::invalid_argument,
                name() + ".axis",
                "1 to " + std::to_string(rank - 1) + ", or from the end",
                std::to_string(axis_));
  }
  place_ = static_cast<int>(place);
  Shape joined = inputs[0];
  for (const Shape& input : inputs.subspan(1)) {
    bool fits = input.rank() == joined.rank();
    for (int axis = 0; fits && axis < joined.rank(); ++axis) {
      if (axis + 1 == place_) {
        const bool known = joined[axis] != any_extent && input[axis] != any_extent;
        joined[axis] = known ? joined[axis] + input[axis] : any_extent;
        continue;
      }
      fits = joined[axis] == input[axis] || joined[axis] == any_extent || input[axis] == any_extent;
      if (joined[axis] == any_extent) joined[axis] = input[axis];
    }
    if (fits) continue;
    throw Error(ErrorCode::shape,
                name() + ".inputs",
                "the same extents but along the axis " + std::to_string(axis_),
                inputs[0].to_string() + " and " + input.to_string());
  }
  return {joined};
}

std::vector<autograd::Variable> Concatenate::apply(std::span<const Variable> inputs,
                                                   std::span<const Variable> weights,
                                                   const Context& context) {
  static_cast<void>(weights);
  join_masks(inputs, context);
  return {autograd::concatenate(inputs, place_)};
}

void Concatenate::join_masks(std::span<const Variable> inputs, const Context& context) {
  mask_.clear();
  const bool some = std::ranges::any_of(context.masks, [](const StepMask* mask) { return mask != nullptr; });
  if (!some) return;
  const bool along_steps = place_ == 1 && inputs[0].shape().rank() > 2;
  i64 steps = along_steps ? 0 : inputs[0].shape()[1];
  if (along_steps)
    for (const Variable& input : inputs) steps += input.shape()[1];
  const i64 batch = inputs[0].shape()[0];
  const std::span<std::uint8_t> counts = mask_.assign(batch, steps);
  std::ranges::fill(counts, std::uint8_t{0});
  i64 first = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const i64 own = inputs[i].shape()[1];
    for (i64 row = 0; row < batch; ++row) {
      for (i64 step = 0; step < own; ++step) {
        if (context.masks[i] == nullptr || context.masks[i]->counts(row, step))
          counts[static_cast<std::size_t>(row * steps + first + step)] = 1;
      }
    }
    if (along_steps) first += own;
  }
}

const StepMask* Concatenate::output_mask(const Context& context) const {
  if (context.masks.empty()) return context.mask;  // of the only input
  return mask_.empty() ? nullptr : &mask_;
}

}  // namespace recurra
