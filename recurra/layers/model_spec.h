/// A model as data: its layers' types and arguments, from a short text or from JSON, and the layers made of
/// it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/layers/layer.h"

namespace recurra {

/// Layers in order, each with the config its constructor takes. The table of layer types is closed: a file
/// can name no other code.
struct ModelSpec {
  /// One layer.
  struct LayerSpec {
    std::string type;    ///< Keras's class name
    std::string config;  ///< JSON object
  };

  std::string name = "sequential";
  std::vector<LayerSpec> layers;
  std::optional<Shape> input = std::nullopt;  ///< what an InputLayer declares, without the batch axis
};

/// Reads `lstm:64,batch_norm,dense:10`: names with what they need behind a colon, as `embedding:1000x64`,
/// `dropout:0.5`, `activation:relu`, `masking`, `flatten`, `bilstm:64` for both directions,
/// `rnn_stack:bilstm:512x3` for an optimized stack of three layers; a recurrent layer
/// before another returns its sequence. Throws Error: unsupported for an unknown name (the text lists all),
/// invalid_argument for missing or bad numbers.
[[nodiscard]] RECURRA_API ModelSpec parse_model(std::string_view text);

/// Makes all recurrent layers return the outputs of all steps. Throws as make_layer for an unknown type or a
/// config that is no JSON object.
RECURRA_API void return_sequences(ModelSpec& spec);

/// Reads {"name": …, "layers": [{"class_name": …, "config": {…}}, …]}, the config of Keras's Sequential; its
/// InputLayer gives `input`, no layer. What Keras's to_json wraps around it may be there; a config of Keras 2
/// (by its keras_version, or an argument that Keras 3 does not write) has that version's meaning. Throws
/// Error (format, or unsupported for a model of another class).
[[nodiscard]] RECURRA_API ModelSpec parse_model_json(const nlohmann::json& json);

/// What parse_model_json reads. Throws Error (format) for a config that is no JSON object.
[[nodiscard]] RECURRA_API nlohmann::json to_json(const ModelSpec& spec);

/// The layer of one entry: Keras's arguments and defaults. Throws Error: unsupported for an unknown type or
/// argument (the text lists all) and for values of arguments that this build has no other of, format for a
/// value of another type, invalid_argument for a bad one.
[[nodiscard]] RECURRA_API std::unique_ptr<Layer> make_layer(const ModelSpec::LayerSpec& spec);

}  // namespace recurra
