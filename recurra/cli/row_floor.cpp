#include "recurra/cli/row_floor.h"

#include <algorithm>

namespace recurra::cli {

double floor_seconds(const Row& row, const StackPlan& plan, const MachineSpeed& speed) {
  const bool training = row.mode == "train";
  const double passes = training ? 2.0 : 1.0;  // that wait from step to step
  // Where no states come in, the first step has no recurrent product.
  const i64 without = row.mode == "step" ? 0 : 1;
  const auto input_steps = static_cast<double>(row.all_steps());
  const auto recurrent_steps = static_cast<double>(row.all_steps() - without * row.batch);
  const auto readings = passes * static_cast<double>(row.longest() - without);
  double all = 0.0;        // multiply-adds
  double recurrent = 0.0;  // those that wait for the step before
  double reading = 0.0;
  double weights = 0.0;
  for (const Plan& layer : plan.plans()) {
    const auto recurrent_work = static_cast<double>(layer.recurrent_work());
    const auto input_work = static_cast<double>(layer.input_work());
    all += (training ? 3.0 : 1.0) * (input_work * input_steps + recurrent_work * recurrent_steps);
    recurrent += passes * recurrent_work * recurrent_steps;
    reading += readings * speed.reading_seconds(sizeof(float) * recurrent_work);
    weights += sizeof(float) * (input_work + (without == 0 ? recurrent_work : 0.0));
  }
  if (row.steps == 1) reading = passes * speed.reading_seconds(weights);
  const double rate = 0.5 * speed.flops;  // multiply-adds a second
  if (row.steps == 1 || row.batch > 1) return std::max(all / rate, reading);
  return std::max(recurrent / rate, reading) + (all - recurrent) / rate;
}

}  // namespace recurra::cli
