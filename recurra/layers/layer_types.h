/// The closed table of layers that a text or a file can name.
///
/// Private to the library.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "recurra/layers/arguments.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// What may stand behind a layer's name and a colon in a short text.
enum class TextForm {
  nothing,     ///< masking
  units,       ///< lstm:64
  stack,       ///< rnn_stack:bilstm:512x3
  sizes,       ///< embedding:1000x64
  rate,        ///< dropout:0.5
  activation,  ///< activation:relu
  absent,      ///< has no short text
};

/// One layer.
struct LayerType {
  const char* text;  ///< its name in a short text
  const char* type;  ///< Keras's class name
  const char* name;  ///< where a config gives none, Keras's
  TextForm form;
  bool recurrent;  ///< takes a sequence and has return_sequences, or wraps a layer that has

  /// Takes all but name, trainable and dtype.
  std::unique_ptr<Layer> (*make)(Arguments& arguments, std::string name);

  const char* wrapped = nullptr;  ///< class of the layer within that the text is about; null: none
};

[[nodiscard]] std::span<const LayerType> layer_types() noexcept;

}  // namespace recurra
