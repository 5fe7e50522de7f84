/// Several recurrent layers and both directions as one call.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "recurra/engine/engine.h"

namespace recurra {

class Arena;

/// Which way a stack goes over its sequence, and what becomes of two outputs.
enum class Direction {
  forward,
  backward,  ///< from the last step of each row to the first
  concat,    ///< both, outputs side by side: the forward one first
  sum,       ///< both, outputs added
};

/// What a layer of a stack of both directions sees of the layer below.
enum class Stacking {
  cross_fed,    ///< both directions, side by side or added: cuDNN, Keras, PyTorch
  independent,  ///< its own direction; the two meet at the top: oneDNN
};

/// Recurrent layers one above the other. Widths may differ; the input is the lowest layer's.
struct Stack {
  /// One layer, in each of the stack's directions.
  struct Layer {
    std::string cell;
    i64 units = 0;
    i64 projection = 0;
    std::vector<Activation> activations = {};  ///< as in Recurrence
    float clip = 0;                            ///< as in Recurrence
    float projection_clip = 0;                 ///< as in Recurrence
  };

  i64 input = 0;
  std::vector<Layer> layers;
  Direction direction = Direction::forward;
  Stacking stacking = Stacking::cross_fed;
};

/// The plans of all layers and directions, built once; immutable, shared by any number of threads. A stack's
/// lists of weights, packs and states are ordered `[layer][direction]`.
class RECURRA_API StackPlan {
 public:
  /// Throws as Plan, and Error (invalid_argument) without layers and for a number that is no Direction or no
  /// Stacking.
  explicit StackPlan(const Stack& stack, const Target& target = active_target());

  [[nodiscard]] int layers() const noexcept { return static_cast<int>(plans_.size()) / directions_; }

  [[nodiscard]] int directions() const noexcept { return directions_; }

  /// Of one layer and direction.
  [[nodiscard]] const Plan& plan(int layer, int direction) const noexcept {
    return plans_[static_cast<std::size_t>(layer * directions_ + direction)];
  }

  [[nodiscard]] const std::vector<Plan>& plans() const noexcept { return plans_; }

  /// Width of a layer's output, of both directions together.
  [[nodiscard]] i64 width(int layer) const noexcept;

  /// Width of the stack's output.
  [[nodiscard]] i64 width() const noexcept { return width(layers() - 1); }

  /// Whether a layer adds its directions' outputs.
  [[nodiscard]] bool adds(int layer) const noexcept;

  /// Whether some layer's cell takes an attention.
  [[nodiscard]] bool attention() const noexcept;

  /// Whether a layer's directions see their own direction of the layer below only.
  [[nodiscard]] bool independent() const noexcept { return independent_; }

  bool operator==(const StackPlan&) const = default;

 private:
  std::vector<Plan> plans_;
  int directions_ = 1;
  bool adds_ = false;
  bool independent_ = false;
};

/// What one layer and direction has besides the sequences: as in Call.
struct StackRun {
  const float* initial[max_states] = {};
  float* final[max_states] = {};
  const float* x_dropout = nullptr;
  const float* h_dropout = nullptr;
  Sequence y;  ///< (steps, batch, width): the output of this layer and direction alone. Null: not wanted
  Sequence states[max_states];
  ConstSequence zoneout[max_states];
};

/// As Call; `runs` is empty or has one entry for each layer and direction.
struct StackCall {
  i64 steps = 0;
  i64 batch = 0;
  ConstSequence x;  ///< (steps, batch, input)
  Sequence y;       ///< (steps, batch, width). Null: not wanted
  const int* lengths = nullptr;
  const unsigned char* mask = nullptr;
  Fill fill = Fill::zeros;
  ConstSequence attention;  ///< (steps, batch): the same for all layers and directions whose cells take it
  std::span<const StackRun> runs;
};

/// Gradients of one layer and direction, as in BackwardCall.
struct StackRunGradients {
  ConstSequence dy;  ///< of StackRun::y, which need not be taken; null: zero. Needs Room::states
  ConstSequence d_states[max_states];
  const float* d_final[max_states] = {};
  float* d_initial[max_states] = {};
  WeightGradients d_weights;
};

/// As BackwardCall; `runs` is empty or has one entry for each layer and direction.
struct StackBackwardCall {
  ConstSequence dy;
  Sequence dx;
  Sequence d_attention;  ///< (steps, batch): the sum over all layers and directions. Null: not wanted
  std::span<const StackRunGradients> runs;
  bool accumulate = false;
};

/// Memory for calls of one stack, as Workspace: between the layers too.
///
/// Training keeps the outputs of all layers below the top, of every direction; where two are added, at the
/// top too. These take the place of the outputs of Workspace, so that no layer has more than that says, but
/// with Room::masks, where an output of Workspace is beside them.
///
/// Scratch of inference does not grow with the steps: chunks of steps go through all layers, and no more than
/// a chunk lies between them. There are two exceptions. With Room::masks a chunk has all steps. And where
/// several layers of both directions are cross-fed, each needs the end of the one below for its beginning:
/// between them lie all steps, of two layers at a time, or where directions are added of one layer and the
/// sum.
///
/// In a wavefront (Layers) several layers are at work at once: where there may be one, each layer has scratch
/// of its own, and in inference room for two of the wavefront's chunks lies behind each, about 128 rows each.
/// It may be where a stack has one direction and two layers, without a mask; in inference without
/// Room::masks; on the way back neither with Fill::repeat beside lengths, nor where a layer but the lowest
/// has x_dropout, one but the top a gradient of its own outputs, nor, from four layers on, where the layers
/// below the top differ in width, or the attention's gradient is wanted.
///
/// A row that is not in the first of a reverse direction's chunks begins from zeros that are multiplied,
/// where one call over all steps makes no product: that differs where weights are not finite, and in signs of
/// zeros.
class RECURRA_API StackWorkspace {
 public:
  /// What `prepare` needs; as Workspace::bytes. All layers share the scratch of one, but for wavefronts.
  /// Which of it grows with the steps stands above.
  [[nodiscard]] static MemoryBytes bytes(const StackPlan& plan, const Room& room);

  /// Makes room, in one piece of memory; as Workspace::prepare.
  void prepare(const StackPlan& plan, const Room& asked);

  /// Works in memory of the caller's; as Workspace::prepare.
  void prepare(const StackPlan& plan,
               const Room& room,
               std::span<std::byte> kept,
               std::span<std::byte> scratch);

  /// What the last call did in one layer and direction.
  [[nodiscard]] const Report& report(int layer, int direction) const noexcept {
    return runs_[static_cast<std::size_t>(layer * directions_ + direction)].report();
  }

  /// The engine's own view.
  [[nodiscard]] Workspace& run(int index) noexcept { return runs_[static_cast<std::size_t>(index)]; }

  /// The engine's own view: what a layer's directions wrote.
  [[nodiscard]] std::span<float> outputs(int layer) const noexcept {
    return outputs_[static_cast<std::size_t>(layer)];
  }

  /// The engine's own view: both directions added, of one layer at a time.
  [[nodiscard]] std::span<float> sums() const noexcept { return sums_; }

  /// The engine's own view: how many steps of `call` go through all layers before the next do.
  [[nodiscard]] i64 chunk_steps(const StackCall& call) const noexcept;

  /// The engine's own view: a state of a layer and direction between chunks.
  [[nodiscard]] float* carried(std::size_t run, int state) const noexcept {
    return carried_.empty() ? nullptr : carried_[run * max_states + static_cast<std::size_t>(state)].data();
  }

  /// The engine's own view: the rows' lengths within the chunk of a layer and direction.
  [[nodiscard]] std::span<int> lengths(std::size_t run) const noexcept { return lengths_[run]; }

  /// The engine's own view: how many rows a chunk of a wavefront may have between layers; 0: no wavefront.
  [[nodiscard]] i64 wave_rows() const noexcept { return wave_rows_; }

  /// The engine's own view: room for two such chunks of a layer's outputs.
  [[nodiscard]] std::span<float> wave_outputs(int layer) const noexcept {
    return wave_outputs_[static_cast<std::size_t>(layer)];
  }

  /// The engine's own view: gradients of a layer's output and of the one below take turns.
  [[nodiscard]] std::span<float> gradients(int side) const noexcept { return gradients_[side]; }

  /// The engine's own view: the second direction's part of an input gradient.
  [[nodiscard]] std::span<float> other_gradient() const noexcept { return other_gradient_; }

  /// The engine's own view: a direction's part of the attention's gradient.
  [[nodiscard]] std::span<float> attention_gradient(int direction) const noexcept {
    return attention_gradients_[direction];
  }

  /// The engine's own view: the gradient of a direction's output where it comes from two sides.
  [[nodiscard]] std::span<float> output_gradient(int direction) const noexcept {
    return output_gradients_[direction];
  }

  /// What it has room for.
  [[nodiscard]] const Room& room() const noexcept { return room_; }

  /// Throws Error (invalid_argument) unless prepared for the plan and sizes.
  void check(const StackPlan& plan, const StackCall& call) const;

  /// Says in the kept memory that a stack like `plan` filled it.
  void mark_filled(const StackPlan& plan) noexcept;

  /// Throws Error (invalid_argument) unless a stack like `plan` filled the kept memory: what its recurrences
  /// left there is theirs to check.
  void check_filled(const StackPlan& plan) const;

 private:
  MemoryBytes lay_out(const StackPlan& plan, const Room& room, std::byte* kept, std::byte* scratch);
  void take_between(const StackPlan& plan, const Room& room, Arena& kept, Arena& scratch);
  void take_carried(const StackPlan& plan, const Room& room, Arena& scratch);
  void take_wave_outputs(const StackPlan& plan, Arena& scratch);

  std::optional<StackPlan> plan_;  // prepared for
  int directions_ = 1;
  Room room_;
  bool given_ = false;  // the caller gave the memory
  AlignedBuffer<float> own_;
  std::vector<Workspace> runs_;
  std::span<i64> mark_;                         // in training, of the stack that filled the kept memory
  i64 chunk_rows_ = 0;                          // 0: a chunk has all steps
  i64 wave_rows_ = 0;                           // of a wavefront's chunk; 0: there can be none
  std::vector<std::span<float>> outputs_;       // [layer][step][row][directions side by side]
  std::span<float> sums_;                       // [step][row][width], where directions are added
  std::vector<std::span<float>> carried_;       // [layer][direction][state]
  std::vector<std::span<int>> lengths_;         // [layer][direction][row]
  std::vector<std::span<float>> wave_outputs_;  // [layer][parity of the chunk][step][row][width]
  std::span<float> gradients_[2];               // of a layer's output and of the one below, in turn
  std::span<float> other_gradient_;             // the second direction's part of an input gradient
  std::span<float> output_gradients_[2];        // [direction][step][row][width]
  std::span<float> attention_gradients_[2];     // [direction][step][row]
};

/// Packs of all layers and directions.
class RECURRA_API StackPacks {
 public:
  /// Takes the memory. Throws std::bad_alloc.
  StackPacks(const StackPlan& plan, PackedWeights::Use use);

  /// In memory of the caller's, `floats(plan, use)`; as PackedWeights's.
  StackPacks(const StackPlan& plan, PackedWeights::Use use, float* memory);

  /// Size of the packs.
  [[nodiscard]] static i64 floats(const StackPlan& plan, PackedWeights::Use use);

  /// As PackedWeights::pack; `weights` has one entry for each layer and direction. Throws Error
  /// (invalid_argument) on another number.
  void pack(const StackPlan& plan, std::span<const Weights> weights, const Execution& execution = {});

  /// As PackedWeights::unpack. Throws as `pack`.
  void unpack(std::span<const WeightGradients> weights) const;

  /// Throws Error (invalid_argument) unless these are as many as the plan's layers and directions; of each,
  /// PackedWeights::check tells more.
  void check(const StackPlan& plan) const { check_count(packs_.size(), plan.plans().size()); }

  /// Of layer and direction `index`, in the order of the plans.
  [[nodiscard]] const PackedWeights& at(int index) const noexcept {
    return packs_[static_cast<std::size_t>(index)];
  }

 private:
  static void check_count(std::size_t count, std::size_t expected);

  std::vector<PackedWeights> packs_;
};

/// Forward over all layers; as the engine's forward of one recurrence.
RECURRA_API void forward(const StackPlan& plan,
                         const StackPacks& weights,
                         const StackCall& call,
                         StackWorkspace& workspace,
                         bool training = false,
                         const Execution& execution = {});

/// Backward over all layers; as the engine's backward of one recurrence.
RECURRA_API void backward(const StackPlan& plan,
                          const StackPacks& weights,
                          const StackCall& call,
                          const StackBackwardCall& back,
                          StackWorkspace& workspace,
                          const Execution& execution = {});

}  // namespace recurra
