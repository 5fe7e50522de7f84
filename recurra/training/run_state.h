/// Where a fit stands, so that it can go on after a stop or a crash; and what it must go on with.
#pragma once

#include <string>
#include <vector>

#include "recurra/training/metrics.h"

namespace recurra {

/// A fit that has not come to its end.
struct RunState {
  i64 epoch = 0;                       ///< that runs or comes next, from 0
  i64 batch = 0;                       ///< batches of it that are done
  MetricState loss{};                  ///< of these batches, each weighing as many as it has examples
  std::vector<MetricState> metrics{};  ///< of these batches, as MetricSet::states
  std::string settings{};              ///< JSON, hyper-parameters by name: others give other bits
};

/// Throws Error (invalid_argument) with every setting in which a run that goes on differs from its beginning;
/// both as RunState::settings.
void require_same_settings(const std::string& began, const std::string& now);

}  // namespace recurra
