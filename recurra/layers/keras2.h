/// Configs that Keras 2 wrote.
///
/// Private to the library.
#pragma once

#include <nlohmann/json.hpp>

namespace recurra {

/// Whether a model's config comes from Keras 2: its keras_version says so, or a layer has an argument that
/// Keras 3 does not write. Throws Error (format) where the version is no string.
[[nodiscard]] bool is_of_keras2(const nlohmann::json& model);

/// Gives words their meaning in Keras 2 where Keras 3 changed it: hard_sigmoid was clip(0.2 x + 0.5, 0, 1),
/// and a GRU that says nothing resets before the product.
void say_in_keras3(nlohmann::json& model);

}  // namespace recurra
