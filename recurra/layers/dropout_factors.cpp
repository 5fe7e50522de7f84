#include "recurra/layers/dropout_factors.h"

#include <cmath>

#include "recurra/engine/schedule.h"

namespace recurra {

namespace {

// Elements below which a second thread draws no faster than one.
constexpr i64 least_elements = 16'384;

}  // namespace

void draw_dropout_factors(double rate,
                          const DropoutDraws& draws,
                          Tensor& factors,
                          const Execution& execution) {
  const i64 size = factors.size();
  const auto dropped = static_cast<std::uint64_t>(std::llround(rate * 0x1p32));
  const auto kept = static_cast<float>(rate < 1 ? 1 / (1 - rate) : 0.0);
  float* to = factors.data();
  const int threads = size < least_elements ? 1 : threads_of(execution);
  team_of(execution).run(threads, [&](const Crew& crew) {
    const i64 last = size * (crew.index() + 1) / crew.count();
    i64 i = size * crew.index() / crew.count();
    Random random = draws.stream.random();
    random.seek(draws.first + static_cast<std::uint64_t>(i));
    for (; i < last; ++i) to[i] = random.bits() < dropped ? 0.0F : kept;
  });
}

}  // namespace recurra
