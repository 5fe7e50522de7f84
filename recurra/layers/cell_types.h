/// Cells, and RNN over them, from configs.
///
/// Private to the library.
#pragma once

#include <memory>
#include <string>

#include "recurra/layers/arguments.h"
#include "recurra/layers/cell.h"

namespace recurra {

/// The library's cell that Keras or Cell::config wrote as {"class_name", "config"}. Throws Error:
/// unsupported, naming what there is, for another; as make_layer.
[[nodiscard]] std::unique_ptr<Cell> make_cell(const nlohmann::json& json, const std::string& subject);

/// Takes all but name, trainable and dtype, as LayerType::make.
[[nodiscard]] std::unique_ptr<Layer> make_rnn(Arguments& arguments, std::string name);

}  // namespace recurra
