/// Recurrent layers from configs.
///
/// Private to the library.
#pragma once

#include <memory>
#include <string>

#include "recurra/layers/arguments.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// Each takes all but name, trainable and dtype, as LayerType::make.
[[nodiscard]] std::unique_ptr<Layer> make_lstm(Arguments& arguments, std::string name);
[[nodiscard]] std::unique_ptr<Layer> make_gru(Arguments& arguments, std::string name);
[[nodiscard]] std::unique_ptr<Layer> make_simple_rnn(Arguments& arguments, std::string name);
[[nodiscard]] std::unique_ptr<Layer> make_bidirectional(Arguments& arguments, std::string name);
[[nodiscard]] std::unique_ptr<Layer> make_optimized_rnn_stack(Arguments& arguments, std::string name);

}  // namespace recurra
