#include "recurra/primitive/kinds.h"

namespace recurra::primitive {

const char* name_of(CellKind kind) noexcept {
  switch (kind) {
    case CellKind::vanilla_rnn:
      return "vanilla_rnn";
    case CellKind::lstm:
      return "lstm";
    case CellKind::gru:
      return "gru";
    case CellKind::lbr_gru:
      return "lbr_gru";
    case CellKind::augru:
      return "augru";
    case CellKind::lbr_augru:
      return "lbr_augru";
    case CellKind::lstm_coupled:
      return "lstm_coupled";
    case CellKind::indrnn:
      return "indrnn";
    case CellKind::lstm_layer_norm:
      return "lstm_layer_norm";
  }
  return "unknown";
}

const char* name_of(Propagation propagation) noexcept {
  switch (propagation) {
    case Propagation::forward_inference:
      return "forward_inference";
    case Propagation::forward_training:
      return "forward_training";
    case Propagation::backward:
      return "backward";
  }
  return "unknown";
}

const char* name_of(Direction direction) noexcept {
  switch (direction) {
    case Direction::left2right:
      return "left2right";
    case Direction::right2left:
      return "right2left";
    case Direction::bidirectional_concat:
      return "bidirectional_concat";
    case Direction::bidirectional_sum:
      return "bidirectional_sum";
  }
  return "unknown";
}

const char* name_of(MemoryLevel level) noexcept {
  switch (level) {
    case MemoryLevel::keep_gates:
      return "keep_gates";
    case MemoryLevel::recompute:
      return "recompute";
  }
  return "unknown";
}

const char* name_of(DataType type) noexcept {
  switch (type) {
    case DataType::f32:
      return "f32";
    case DataType::bf16:
      return "bf16";
    case DataType::f16:
      return "f16";
    case DataType::s8:
      return "s8";
    case DataType::u8:
      return "u8";
    case DataType::s32:
      return "s32";
  }
  return "unknown";
}

i64 size_of(DataType type) noexcept {
  switch (type) {
    case DataType::f32:
    case DataType::s32:
      return 4;
    case DataType::bf16:
    case DataType::f16:
      return 2;
    case DataType::s8:
    case DataType::u8:
      return 1;
  }
  return 0;
}

}  // namespace recurra::primitive
