/// The recurrent layers by their configs.
#pragma once

#include <memory>
#include <span>

#include <nlohmann/json.hpp>

#include "recurra/layers/model_spec.h"
#include "recurra/layers/recurrent.h"

namespace recurra::test {

/// A class of layers, with what tells its forms apart.
struct RecurrentKind {
  const char* type;
  const char* config;
  std::size_t states;
};

inline constexpr RecurrentKind recurrent_kinds[] = {
    {"LSTM", "{}", 2}, {"GRU", "{}", 1}, {"GRU", R"({"reset_after": false})", 1}, {"SimpleRNN", "{}", 1}};

/// A built layer with the further arguments; its weights are the same for the same seed. Wrapped in a
/// Bidirectional where `wrapper` is an object, its arguments.
inline std::unique_ptr<Layer> built_layer(const RecurrentKind& kind,
                                          const nlohmann::json& arguments,
                                          i64 features,
                                          const nlohmann::json& wrapper = nullptr) {
  nlohmann::json config = nlohmann::json::parse(kind.config);
  config.update(arguments);
  std::unique_ptr<Layer> layer;
  if (wrapper.is_object()) {
    nlohmann::json both = wrapper;
    both["layer"] = {{"class_name", kind.type}, {"config", config}};
    layer = make_layer({"Bidirectional", both.dump()});
  } else {
    layer = make_layer({kind.type, config.dump()});
  }
  Random random(5);
  const Shape input = {any_extent, features};
  static_cast<void>(layer->build(std::span(&input, 1), random));
  return layer;
}

}  // namespace recurra::test
