#include "recurra/cli/row_floor.h"

#include <algorithm>

namespace recurra::cli {

double floor_seconds(const Row& row, const StackPlan& plan, const MachineSpeed& speed) {
  const double passes = row.mode == "train" ? 2.0 : 1.0;
  const auto steps = static_cast<double>(row.longest());
  const double all = row.flops(plan);
  double recurrent = 0.0;  // flops that wait for the step before
  double reading = 0.0;
  double weights = 0.0;
  for (const Plan& layer : plan.plans()) {
    const auto multiply_adds = static_cast<double>(layer.recurrent_work());
    recurrent += passes * 2.0 * multiply_adds * static_cast<double>(row.all_steps());
    reading += passes * steps * speed.reading_seconds(sizeof(float) * multiply_adds);
    weights += sizeof(float) * (multiply_adds + static_cast<double>(layer.input_work()));
  }
  if (row.steps == 1) return std::max(all / speed.flops, passes * speed.reading_seconds(weights));
  if (row.batch > 1) return std::max(all / speed.flops, reading);
  return std::max(recurrent / speed.flops, reading) + (all - recurrent) / speed.flops;
}

}  // namespace recurra::cli
