#include "recurra/layers/dropout_factors.h"

#include "recurra/engine/dropout_factors.h"

namespace recurra {

void draw_dropout_factors(double rate,
                          const DropoutDraws& draws,
                          Tensor& factors,
                          const Execution& execution) {
  Random random = draws.stream.random();
  random.seek(draws.first);
  draw_dropout_factors(rate, random, factors.as<float>(), execution);
}

}  // namespace recurra
