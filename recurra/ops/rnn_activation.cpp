#include "recurra/ops/rnn_activation.h"

#include <algorithm>
#include <cctype>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/engine/activations.h"

namespace recurra::ops {

namespace {

/// What one of the two numbers is: not there, to be given, or by default.
struct Number {
  bool used = false;
  std::optional<float> usual = {};
};

struct Row {
  const char* name;
  const char* misspelt;
  ActivationKind kind;
  Number alpha = {};
  Number beta = {};
};

constexpr Number given{true, {}};

constexpr Number usually(float value) {
  return {true, value};
}

constexpr Row rows[] = {
    {"TANH", "TANH", ActivationKind::tanh},
    {"RELU", "RELU", ActivationKind::relu},
    {"SIGMOID", "SIGMOID", ActivationKind::sigmoid},
    {"AFFINE", "AFFINE", ActivationKind::affine, given, given},
    {"LEAKY_RELU", "LEAKY_RELU", ActivationKind::leaky_relu, usually(0.01F)},
    {"THRESHOLD_RELU", "THRESHHOLD_RELU", ActivationKind::thresholded_relu, usually(1.0F)},
    {"SCALED_TANH", "SCALED_TAHN", ActivationKind::scaled_tanh, given, given},
    {"HARD_SIGMOID", "HARD_SIGMOID", ActivationKind::hard_sigmoid, usually(0.2F), usually(0.5F)},
    {"ELU", "ELU", ActivationKind::elu, usually(1.0F)},
    {"SOFTSIGN", "SOFTSIGN", ActivationKind::softsign},
    {"SOFTPLUS", "SOFTPLUS", ActivationKind::softplus},
};

std::string all_names() {
  std::string all;
  for (const Row& row : rows) all.append(all.empty() ? "" : ", ").append(row.name);
  return all;
}

float number_of(const Row& row,
                const Number& number,
                std::optional<float> value,
                const std::string& subject,
                const char* which) {
  if (!number.used && value) {
    throw Error(ErrorCode::invalid_argument,
                subject + "_" + which,
                std::string("none for ") + row.name,
                shortest(*value));
  }
  if (!number.used) return 0;
  if (value) return *value;
  if (number.usual) return *number.usual;
  throw Error(
      ErrorCode::invalid_argument, subject + "_" + which, std::string("a number for ") + row.name, "none");
}

}  // namespace

RnnActivation parse_rnn_activation(std::string_view name, const char* subject) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  for (const Row& row : rows) {
    if (upper == row.name || upper == row.misspelt) return static_cast<RnnActivation>(&row - rows);
  }
  throw Error(ErrorCode::unsupported, subject, all_names(), std::string(name));
}

Activation activation_of(RnnActivation kind,
                         std::optional<float> alpha,
                         std::optional<float> beta,
                         const std::string& subject) {
  const int number = static_cast<int>(kind);
  if (number < 0 || number >= static_cast<int>(std::size(rows)))
    throw Error(ErrorCode::unsupported, subject + "_activation", all_names(), std::to_string(number));
  const Row& row = rows[number];
  const Activation activation{row.kind,
                              number_of(row, row.alpha, alpha, subject, "alpha"),
                              number_of(row, row.beta, beta, subject, "beta")};
  check_activation(activation, (subject + "_activation").c_str());
  return activation;
}

}  // namespace recurra::ops
