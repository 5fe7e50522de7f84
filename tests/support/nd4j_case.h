/// One case of tests/data/nd4j_cases.json: an operation's config, inputs by name, and what is known of its
/// outputs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/tensor.h"

namespace recurra::test {

/// The tensor of a case: elements as they are, or a rule.
inline Tensor nd4j_tensor(const nlohmann::json& json) {
  Tensor tensor(Shape(json.at("shape").get<std::vector<i64>>()));
  if (json.contains("data")) {
    const auto values = json.at("data").get<std::vector<double>>();
    for (std::size_t i = 0; i < values.size(); ++i) tensor.data()[i] = float(values.at(i));
    return tensor;
  }
  const nlohmann::json& fill = json.at("fill");
  const auto kind = fill.at("kind").get<std::string>();
  for (i64 i = 0; i < tensor.size(); ++i) {
    if (kind == "const") {
      tensor.data()[i] = fill.at("value").get<float>();
    } else if (kind == "linspace") {
      tensor.data()[i] = float(fill.at("start").get<double>() + double(i) * fill.at("step").get<double>());
    } else {
      tensor.data()[i] =
          fill.at("values").at(std::size_t(i / (tensor.size() / tensor.shape()[0]))).get<float>();
    }
  }
  return tensor;
}

struct Nd4jCase {
  explicit Nd4jCase(const nlohmann::json& json)
      : name(json.at("name")), op(json.at("op")), config(json.at("config")), expected(json.at("expected")) {
    for (const auto& [key, value] : json.at("inputs").items()) tensors.emplace(key, nd4j_tensor(value));
    absolute = json.at("tolerance").at("abs").get<double>();
    relative = json.at("tolerance").at("rel").get<double>();
  }

  /// An input; empty where the case has none of that name.
  [[nodiscard]] Tensor operator[](const char* key) const {
    const auto found = tensors.find(key);
    return found != tensors.end() ? found->second : Tensor();
  }

  [[nodiscard]] const Tensor* find(const char* key) const {
    const auto found = tensors.find(key);
    return found != tensors.end() ? &found->second : nullptr;
  }

  template <class T>
  [[nodiscard]] T option(const char* key, T otherwise) const {
    return config.value(key, otherwise);
  }

  /// Compares with what is expected under `key`, if there is such a number.
  void check(const char* key, const Tensor& actual) {
    if (!expected.contains(key)) return;
    SCOPED_TRACE(key);
    const Tensor wanted = nd4j_tensor(expected.at(key));
    ++checked;
    ASSERT_EQ(actual.shape(), wanted.shape());
    for (i64 i = 0; i < actual.size(); ++i) {
      const double a = actual.data()[i];
      const double b = wanted.data()[i];
      const double bound = std::max(absolute, relative * std::max(std::abs(a), std::abs(b)));
      ASSERT_NEAR(a, b, bound) << "element " << i;
    }
  }

  std::string name, op;
  nlohmann::json config, expected;
  std::map<std::string, Tensor> tensors;
  double absolute = 0, relative = 0;
  std::size_t checked = 0;  // of `expected`
};

}  // namespace recurra::test
