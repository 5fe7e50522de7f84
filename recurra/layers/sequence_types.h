/// How layers that rearrange, join or look over sequences are made of their arguments.
///
/// Private to the library.
#pragma once

#include <memory>
#include <string>

#include "recurra/layers/arguments.h"
#include "recurra/layers/layer.h"

namespace recurra {

/// All take what their class has, but name, trainable and dtype; errors as make_layer.
std::unique_ptr<Layer> make_dot(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_repeat_vector(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_reshape(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_permute(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_layer_normalization(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_max_pooling1d(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_conv1d(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_attention(Arguments& arguments, std::string name);
std::unique_ptr<Layer> make_additive_attention(Arguments& arguments, std::string name);

}  // namespace recurra
