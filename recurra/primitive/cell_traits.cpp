#include "recurra/primitive/cell_traits.h"

#include <string>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"

namespace recurra::primitive {

namespace {

constexpr i64 most_layers = 1024;

/// The names of all values up to `last`, for texts.
template <class Kind>
std::string names_up_to(Kind last) {
  std::string names;
  for (int i = 0; i <= static_cast<int>(last); ++i)
    names += (i > 0 ? ", " : "") + std::string(name_of(static_cast<Kind>(i)));
  return names;
}

/// Throws Error (unsupported) unless the value is one of those up to `last`.
template <class Kind>
void check_kind(const char* subject, Kind kind, Kind last) {
  const int value = static_cast<int>(kind);
  if (value >= 0 && value <= static_cast<int>(last)) return;
  throw Error(ErrorCode::unsupported, subject, names_up_to(last), std::to_string(value));
}

void check_types(const DataTypes& types) {
  const std::pair<const char*, DataType> all[] = {{"src data type", types.src},
                                                  {"weights data type", types.weights},
                                                  {"bias data type", types.bias},
                                                  {"cell state data type", types.cell},
                                                  {"dst data type", types.dst}};
  for (const auto& [subject, type] : all) {
    if (type != DataType::f32) throw Error(ErrorCode::unsupported, subject, "f32", name_of(type));
  }
}

::recurra::Direction direction_of(Direction direction) {
  switch (direction) {
    case Direction::left2right:
      return ::recurra::Direction::forward;
    case Direction::right2left:
      return ::recurra::Direction::backward;
    case Direction::bidirectional_concat:
      return ::recurra::Direction::concat;
    case Direction::bidirectional_sum:
      return ::recurra::Direction::sum;
  }
  return ::recurra::Direction::forward;
}

}  // namespace

CellTraits traits_of(const RnnDesc& desc) {
  switch (desc.cell) {
    case CellKind::vanilla_rnn:
      return {"vanilla", ParamTensor::none};
    case CellKind::lstm:
      return desc.peephole ? CellTraits{"lstm_peephole", ParamTensor::peephole}
                           : CellTraits{"lstm", ParamTensor::none};
    case CellKind::gru:
      return {"gru", ParamTensor::none};
    case CellKind::lbr_gru:
      return {"gru_reset_after", ParamTensor::bias};
    case CellKind::augru:
      return {"augru", ParamTensor::none};
    case CellKind::lbr_augru:
      return {"augru_reset_after", ParamTensor::bias};
    case CellKind::lstm_coupled:
      return {"lstm_coupled", ParamTensor::none};
    case CellKind::indrnn:
      return {"indrnn", ParamTensor::iter};
    case CellKind::lstm_layer_norm:
      return {"lstm_layer_norm", ParamTensor::norm};
  }
  throw Error(ErrorCode::unsupported,
              "cell",
              names_up_to(last_cell_kind),
              std::to_string(static_cast<int>(desc.cell)));
}

Stack stack_of(const RnnDesc& desc) {
  Stack stack;
  stack.input = desc.input;
  stack.direction = direction_of(desc.direction);
  stack.stacking = desc.stacking;
  stack.layers.assign(static_cast<std::size_t>(desc.layers),
                      {traits_of(desc).cell, desc.units, desc.projection, desc.activations, desc.clip});
  return stack;
}

void check(const RnnDesc& desc) {
  check_kind("cell", desc.cell, last_cell_kind);
  check_kind("propagation", desc.propagation, Propagation::backward);
  check_kind("direction", desc.direction, Direction::bidirectional_sum);
  check_kind("memory_level", desc.memory_level, MemoryLevel::recompute);
  if (desc.memory_level == MemoryLevel::recompute && desc.propagation == Propagation::forward_inference) {
    throw Error(ErrorCode::invalid_argument,
                "memory_level",
                "keep_gates for forward_inference, which keeps nothing",
                "recompute");
  }
  if (desc.stacking != Stacking::cross_fed && desc.stacking != Stacking::independent) {
    throw Error(ErrorCode::unsupported,
                "stacking",
                "cross_fed, independent",
                std::to_string(static_cast<int>(desc.stacking)));
  }
  if (desc.weights != WeightsFormat::any && desc.weights != WeightsFormat::plain) {
    throw Error(
        ErrorCode::unsupported, "weights", "any, plain", std::to_string(static_cast<int>(desc.weights)));
  }
  check_types(desc.types);
  if (desc.layers < 1 || desc.layers > most_layers) {
    throw Error(ErrorCode::invalid_argument,
                "layers",
                "1 to " + std::to_string(most_layers),
                std::to_string(desc.layers));
  }
  if (desc.peephole && desc.cell != CellKind::lstm) {
    throw Error(ErrorCode::invalid_argument,
                "peephole",
                "false unless the cell is lstm",
                "true for " + std::string(name_of(desc.cell)));
  }
  for (const auto& [rate, subject] :
       {std::pair{desc.zoneout, "zoneout"}, std::pair{desc.zoneout_c, "zoneout_c"}}) {
    if (!(rate >= 0 && rate <= 1))
      throw Error(ErrorCode::invalid_argument, subject, "0 to 1", shortest(rate));
  }
  if (desc.zoneout > 0 && desc.projection > 0) {
    throw Error(ErrorCode::invalid_argument, "zoneout", "0 beside a projection", shortest(desc.zoneout));
  }
  if (desc.diff_weights_overwrite && desc.propagation != Propagation::backward) {
    throw Error(ErrorCode::invalid_argument,
                "diff_weights_overwrite",
                "false unless the propagation is backward",
                "true for " + std::string(name_of(desc.propagation)));
  }
}

}  // namespace recurra::primitive
