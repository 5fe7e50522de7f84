#include "recurra/layers/simple_rnn.h"

namespace recurra {

SimpleRnn::SimpleRnn(const RecurrentOptions& options, std::string name)
    : Recurrent(options, std::move(name)) {}

std::unique_ptr<Recurrent> SimpleRnn::with(const RecurrentOptions& options, std::string name) const {
  return std::make_unique<SimpleRnn>(options, std::move(name));
}

Recurrent::Kind SimpleRnn::kind() const {
  return {"vanilla", 1, {recurrent_options().activation}};
}

}  // namespace recurra
