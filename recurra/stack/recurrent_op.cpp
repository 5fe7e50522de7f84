#include "recurra/stack/recurrent_op.h"

#include <array>
#include <string>

#include "recurra/base/error.h"
#include "recurra/engine/enumerator.h"

namespace recurra {

namespace {

struct OpName {
  std::string_view name;
  RecurrentOp op;
};

// The first four are the names that are written.
constexpr OpName names[] = {
    {"lstm", RecurrentOp::lstm},
    {"gru", RecurrentOp::gru},
    {"rnnTanh", RecurrentOp::rnn_tanh},
    {"rnnReLU", RecurrentOp::rnn_relu},
    {"LSTM", RecurrentOp::lstm},
    {"GRU", RecurrentOp::gru},
    {"RNN_TANH", RecurrentOp::rnn_tanh},
    {"RNN_RELU", RecurrentOp::rnn_relu},
    {"tanh", RecurrentOp::rnn_tanh},
    {"relu", RecurrentOp::rnn_relu},
};

constexpr std::array lstm_gates = {"i", "f", "g", "o"};
constexpr std::array gru_gates = {"r", "u", "n"};
constexpr std::array simple_gates = {"h"};

// The cell's gates are u r o.
constexpr int gru_places[] = {1, 0, 2};

}  // namespace

RecurrentOp parse_recurrent_op(std::string_view name, const char* subject) {
  for (const OpName& known : names) {
    if (known.name == name) return known.op;
  }
  throw Error(ErrorCode::unsupported, subject, "lstm, gru, rnnTanh, rnnReLU", std::string(name));
}

const char* name_of(RecurrentOp op) noexcept {
  return names[static_cast<int>(op)].name.data();
}

std::span<const char* const> gate_names(RecurrentOp op) noexcept {
  if (op == RecurrentOp::lstm) return lstm_gates;
  if (op == RecurrentOp::gru) return gru_gates;
  return simple_gates;
}

OpCell cell_of(RecurrentOp op) {
  check_enumerator(op, RecurrentOp::rnn_relu, "recurrent_op");
  switch (op) {
    case RecurrentOp::lstm:
      return {"lstm", {}, nullptr};
    case RecurrentOp::gru:
      return {"gru_reset_after", {}, gru_places};
    case RecurrentOp::rnn_tanh:
      return {"vanilla", {}, nullptr};
    case RecurrentOp::rnn_relu:
      break;
  }
  return {"vanilla", {{ActivationKind::relu}}, nullptr};
}

}  // namespace recurra
