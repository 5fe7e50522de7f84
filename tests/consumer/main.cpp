/// What someone else's program does with the library: the versions, a model, and the engine below it.
#include <iostream>

#include "recurra/recurra.h"

int main() {
  std::cout << "header " << RECURRA_VERSION << " library " << recurra::version() << " threads "
            << recurra::threads() << "\n";
  recurra::Sequential model(recurra::parse_model("lstm:4,dense:2"));
  model.build({5, 3});
  std::cout << "shape " << model.predict(recurra::Tensor({2, 5, 3})).shape().to_string() << "\n";
  const recurra::Plan plan(recurra::Recurrence{.cell = "vanilla", .input = 3, .units = 4});
  const recurra::PackedWeights weights(plan, recurra::PackedWeights::Use::inference);
  std::cout << (weights.in.size() > 0 ? "packs\n" : "no packs\n");
  try {
    recurra::make_loss("none");
  } catch (const recurra::Error&) {
    std::cout << "error\n";
  }
}
