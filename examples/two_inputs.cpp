#include <iostream>

#include "recurra/recurra.h"

int main() {
  const recurra::Input steps({recurra::any_extent, 2}, {.name = "steps"});
  const recurra::Input extra({3}, {.name = "extra"});
  const auto seen = recurra::graph_layer<recurra::Lstm>(recurra::LstmOptions{{.units = 64}})(steps);
  const auto both = recurra::graph_layer<recurra::Concatenate>()({seen, extra});
  const auto size = recurra::graph_layer<recurra::Dense>(recurra::DenseOptions{.units = 1}, "size")(both);
  recurra::Model model({steps, extra}, {size});
  model.compile(recurra::make_optimizer("adam"), recurra::make_loss("mean_squared_error"));
  model.summary(std::cout);

  recurra::Examples examples{.x = recurra::Tensor({256, 20, 2}), .y = recurra::Tensor({256, 1})};
  examples.more_x = {recurra::Tensor({256, 3})};
  recurra::Random random(1);
  for (float& value : examples.x.as<float>()) value = random.normal();
  model.fit(examples, {.epochs = 2, .progress = &std::cout});
}
