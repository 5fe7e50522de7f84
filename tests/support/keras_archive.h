/// Keras's model files, as far as the tests of golden numbers need them: a Sequential's architecture from a
/// .keras archive, its weights from a .weights.h5 file.
#pragma once

#include <filesystem>
#include <vector>

#include "recurra/layers/model_spec.h"

namespace recurra::test {

/// The layers of the Sequential in the archive's config.json. Throws std::runtime_error where it cannot be
/// read, Error as parse_model_json.
[[nodiscard]] ModelSpec read_keras_architecture(const std::filesystem::path& archive);

/// Gives the built `layers`, all of a Sequential in order, the weights of `file`. Throws std::runtime_error
/// where one is missing, has another shape, or a layer has more in the file than here.
void load_keras_weights(const std::filesystem::path& file, const std::vector<Layer*>& layers);

}  // namespace recurra::test
