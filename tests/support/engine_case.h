/// One random problem for the engine: sizes, weights and sequences, run on a target and compared with the
/// reference.
#pragma once

#include <string>
#include <vector>

#include "recurra/base/random.h"
#include "recurra/engine/engine.h"
#include "tests/reference/reference.h"
#include "tests/support/given_memory.h"

namespace recurra::test {

/// What a run of the engine gives; empty where it was not asked for. Same layouts as reference::Values.
struct Outputs {
  std::vector<float> y, x, W, U, b, params, P, attention;     // x: gradient of the input, …
  std::vector<float> final[max_states], initial[max_states];  // initial: gradients
  std::vector<float> states[max_states];                      // of every step, where taken; [0] is y
  Report forward, backward;
};

/// Numbers of a cell the case needs.
struct CellSizes {
  int gates, states, params;
  bool dense, attention;
  bool clips;
  bool bounded;  // no activation of its own grows with its argument
};

[[nodiscard]] CellSizes sizes_of(const CellKernels& cell);

struct EngineCase {
  std::string cell;
  reference::Sizes sizes;
  CellSizes numbers{};
  std::vector<int> lengths;  // empty: all steps
  bool initial_given = true;
  bool take_sequence = true;  // else only final states leave the engine
  bool take_states = false;   // further states of every step, and gradients of them
  reference::Options options;
  reference::Values values;   // every number a float
  reference::Values outside;  // y and final: the gradients that come from outside

  /// Random weights in +-1/sqrt(units), the recurrent ones of cells without a bound half of that, normal
  /// inputs, states in (-1, 1).
  void fill(Random& random);

  /// Draws dropout factors 0 or 1 / (1 - rate) for the input and, where `state`, for the recurrent operand.
  void drop_out(Random& random, double rate, bool state);

  /// Draws zoneout of every state that may have it: zeros and ones, of `rate` ones.
  void zone_out(Random& random, double rate);

  /// Draws which steps count, holes and all; no lengths then.
  void mask_steps(Random& random, bool repeat);

  /// The case over again with only row `row`.
  [[nodiscard]] EngineCase only_row(int row) const;

  [[nodiscard]] std::string text() const;
};

[[nodiscard]] Outputs run_forward(const EngineCase& c,
                                  const Target& target,
                                  const Execution& execution,
                                  bool training = false);

/// Where a training run keeps what, and whose memory that is.
struct TrainingMemory {
  Keep keep = Keep::gates;
  /// Memory of the caller's, full of ones; the two ways are calls of two workspaces with other scratch.
  bool given = false;
};

[[nodiscard]] Outputs run_training(const EngineCase& c,
                                   const Target& target,
                                   const Execution& execution,
                                   const TrainingMemory& memory = {});

/// The toy cells' table on the target of that name.
[[nodiscard]] const Target& toy_target(const Target& target);

/// The table of this target that has the cell: the built-in or the toys'.
[[nodiscard]] const Target& table_of(const Target& target, const std::string& cell);

/// Largest difference, and largest absolute value of `expected`.
struct Difference {
  double error = 0;
  double largest = 0;
};

[[nodiscard]] Difference compare(const std::vector<float>& actual, const std::vector<double>& expected);

/// Bounds of the project for f32, in terms of the reference's largest value.
[[nodiscard]] double output_tolerance(int units, double largest);

/// The same bits.
[[nodiscard]] bool same_bits(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace recurra::test
