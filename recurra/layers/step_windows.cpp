#include "recurra/layers/step_windows.h"

#include <algorithm>
#include <array>

#include "recurra/base/error.h"
#include "recurra/layers/layer.h"

namespace recurra {

namespace {

constexpr std::array names = {"valid", "same", "causal"};

}  // namespace

Padding parse_padding(std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<Padding>(found - names.begin());
  throw Error(ErrorCode::unsupported, "padding", "valid, same, causal", std::string(name));
}

const char* name_of(Padding padding) noexcept {
  return names[static_cast<std::size_t>(padding)];
}

i64 StepWindows::windows(i64 steps, const std::string& subject) const {
  if (steps == any_extent) return any_extent;
  if (padding != Padding::valid) return (steps + stride - 1) / stride;
  if (steps >= extent()) return (steps - extent()) / stride + 1;
  throw Error(ErrorCode::shape, subject, std::to_string(extent()) + " steps or more", std::to_string(steps));
}

i64 StepWindows::before(i64 steps) const noexcept {
  if (padding == Padding::valid) return 0;
  if (padding == Padding::causal) return extent() - 1;
  const i64 last = (steps + stride - 1) / stride - 1;
  return std::max<i64>(last * stride + extent() - steps, 0) / 2;
}

void require_positive(const char* name, i64 value) {
  if (value < 1) throw Error(ErrorCode::invalid_argument, name, "from 1 up", std::to_string(value));
}

}  // namespace recurra
