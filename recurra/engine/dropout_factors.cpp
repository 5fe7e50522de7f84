#include "recurra/engine/dropout_factors.h"

#include <cmath>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/engine/schedule.h"

namespace recurra {

namespace {

// Elements below which a second thread draws no faster than one.
constexpr i64 least_elements = 16'384;

}  // namespace

void draw_dropout_factors(double rate,
                          const Random& random,
                          std::span<float> factors,
                          const Execution& execution) {
  const auto size = static_cast<i64>(factors.size());
  const auto dropped = static_cast<std::uint64_t>(std::llround(rate * 0x1p32));
  const auto kept = static_cast<float>(rate < 1 ? 1 / (1 - rate) : 0.0);
  float* to = factors.data();
  const int threads = size < least_elements ? 1 : threads_of(execution);
  team_of(execution).run(threads, [&](const Crew& crew) {
    const i64 last = size * (crew.index() + 1) / crew.count();
    i64 i = size * crew.index() / crew.count();
    Random own = random;
    own.seek(random.position() + static_cast<std::uint64_t>(i));
    for (; i < last; ++i) to[i] = own.bits() < dropped ? 0.0F : kept;
  });
}

void check_dropped_share(const char* subject, double share) {
  if (share >= 0.0 && share < 1.0) return;
  throw Error(ErrorCode::invalid_argument, subject, "from 0 up to below 1", shortest(share));
}

}  // namespace recurra
