/// One step of a cell: what the engine alone can do.
#include "recurra/engine/engine.h"

#include <iostream>

#include "recurra/base/version.h"

int main() {
  const recurra::Plan plan(recurra::Recurrence{.cell = "vanilla", .input = 2, .units = 3});
  recurra::PackedWeights packs(plan, recurra::PackedWeights::Use::inference);
  const float weights[9] = {};
  const float bias[3] = {100.0F, -100.0F, 0.0F};
  packs.pack(plan, {.W = weights, .U = weights, .b = bias});
  recurra::Workspace workspace;
  workspace.prepare(plan, {.steps = 1, .batch = 1});
  const float x[2] = {1.0F, 2.0F};
  float h[3] = {};
  float* const states[] = {h};
  recurra::step(plan, packs, 1, x, states, workspace);
  std::cout << recurra::version() << " state " << h[0] << " " << h[1] << " " << h[2] << "\n";
}
