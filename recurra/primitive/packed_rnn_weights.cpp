#include "recurra/primitive/packed_rnn_weights.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "recurra/base/error.h"
#include "recurra/engine/schedule.h"
#include "recurra/primitive/bind.h"
#include "recurra/primitive/packed_header.h"

namespace recurra::primitive {

namespace {

constexpr char magic[8] = {'R', 'c', 'r', 'P', 'a', 'c', 'k', '1'};
constexpr i64 most_text = packed_header_size - static_cast<i64>(sizeof(magic)) - 1;

i64 floats_of(i64 bytes) {
  return bytes / static_cast<i64>(sizeof(float));
}

/// The caller's memory, found fit.
std::byte* checked(const RnnPrimitive& primitive, std::span<std::byte> memory) {
  const i64 size = primitive.weights_desc().size();
  if (static_cast<i64>(memory.size()) < size) {
    throw Error(ErrorCode::invalid_argument,
                "memory of packed weights",
                std::to_string(size) + " bytes",
                std::to_string(memory.size()));
  }
  if (reinterpret_cast<std::uintptr_t>(memory.data()) % cache_line != 0) {
    throw Error(ErrorCode::invalid_argument,
                "memory of packed weights",
                "an address that is a multiple of " + std::to_string(cache_line),
                "another");
  }
  return memory.data();
}

bool trains(const RnnPrimitive& primitive) {
  return primitive.desc().propagation != Propagation::forward_inference;
}

/// Whether packs in `memory`, which primitive is to use, are for the way back too: those that are there, or
/// else those that will be.
bool holds_training(const RnnPrimitive& primitive, std::span<const std::byte> memory) {
  const WeightsDesc training(primitive.desc(), primitive.plan(), true);
  const char* found = format_of(memory.data());
  return trains(primitive) ||
         (found != nullptr && training.text() == found && static_cast<i64>(memory.size()) >= training.size());
}

}  // namespace

void write_header(std::byte* memory, const WeightsDesc& desc) noexcept {
  std::memcpy(memory, magic, sizeof(magic));
  const std::size_t length = std::min(desc.text().size(), static_cast<std::size_t>(most_text));
  std::memcpy(memory + sizeof(magic), desc.text().data(), length);
  memory[sizeof(magic) + length] = std::byte{0};
}

void clear_header(std::byte* memory) noexcept {
  std::memset(memory, 0, packed_header_size);
}

const char* format_of(const std::byte* memory) noexcept {
  if (std::memcmp(memory, magic, sizeof(magic)) != 0) return nullptr;
  const char* text = reinterpret_cast<const char*>(memory) + sizeof(magic);
  return std::memchr(text, 0, most_text + 1) != nullptr ? text : nullptr;
}

PackedRnnWeights::PackedRnnWeights(const RnnPrimitive& primitive)
    : primitive_(primitive),
      own_(floats_of(primitive.weights_desc().size())),
      memory_(reinterpret_cast<std::byte*>(own_.data())),
      desc_(primitive.weights_desc()),
      packs_(primitive.plan(), use(trains(primitive)), packs_memory()) {}

PackedRnnWeights::PackedRnnWeights(const RnnPrimitive& primitive, std::span<std::byte> memory)
    : primitive_(primitive),
      memory_(checked(primitive, memory)),
      desc_(primitive.desc(), primitive.plan(), holds_training(primitive, memory)),
      packs_(primitive.plan(), use(holds_training(primitive, memory)), packs_memory()) {}

PackedWeights::Use PackedRnnWeights::use(bool training) noexcept {
  return training ? PackedWeights::Use::training : PackedWeights::Use::inference;
}

float* PackedRnnWeights::packs_memory() const noexcept {
  return reinterpret_cast<float*>(memory_ + packed_header_size);
}

void PackedRnnWeights::pack(std::span<const WeightViews> weights, const Execution& execution) {
  std::vector<Weights> bound(primitive_.plan().plans().size());
  bind_weights(primitive_, weights, bound);
  check_apart(primitive_, weights, memory());
  check_execution(execution);
  // Where a pack has padding there must be zeros, and the caller's memory may have held anything.
  if (!is_packed()) std::fill_n(packs_memory(), floats_of(desc_.size() - packed_header_size), 0.0F);
  clear_header(memory_);
  packs_.pack(primitive_.plan(), bound, execution);
  write_header(memory_, desc_);
}

void PackedRnnWeights::unpack(std::span<const MutableWeightViews> weights) const {
  check(primitive_);
  std::vector<WeightGradients> bound(primitive_.plan().plans().size());
  bind_unpacked(primitive_, weights, bound);
  check_apart(primitive_, weights, memory());
  packs_.unpack(bound);
}

bool PackedRnnWeights::is_packed() const noexcept {
  const char* found = format_of(memory_);
  return found != nullptr && desc_.text() == found;
}

void PackedRnnWeights::check(const RnnPrimitive& primitive) const {
  const char* found = format_of(memory_);
  if (found != nullptr && desc_.text() == found && primitive.accepts(desc_)) return;
  throw Error(ErrorCode::invalid_argument,
              "packed weights",
              "those of " + primitive.weights_desc().text(),
              found != nullptr ? std::string("those of ") + found : "memory without packed weights");
}

}  // namespace recurra::primitive
