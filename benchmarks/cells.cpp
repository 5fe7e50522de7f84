/// Times one cell, ours or oneDNN's, at 256 inputs and units over 50 steps: inference, and the two passes of
/// training. Prints a JSON line for each; cells.py runs this in quiet rounds.
///
/// usage: benchmark_cells --list
///        benchmark_cells PEER CELL BATCH THREADS SECONDS      PEER recurra or onednn, CELL one of the list
///
/// What is timed: a call with weights packed before (by oneDNN: reordered before), no initial states, the
/// whole output sequence, in backward gradients of the input (and attention) and of every weight, added to
/// what is there. oneDNN's number of threads is OMP_NUM_THREADS.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>

#include "recurra/base/error.h"
#include "recurra/base/random.h"
#include "recurra/base/tensor.h"
#include "recurra/engine/engine.h"
#include "tests/onednn/rnn.h"

namespace {

using namespace recurra;

constexpr i64 units = 256;
constexpr i64 steps = 50;

/// A row of the benchmark: a cell of ours, and what oneDNN calls it.
struct Cell {
  std::string name, ours;
  i64 projection = 0;
  std::string onednn = {};  ///< empty: it has none
};

/// All cells of the target's table, those that oneDNN has first.
std::vector<Cell> cells() {
  std::vector<Cell> all = {{"vanilla", "vanilla", 0, "rnn_tanh"},
                           {"lstm", "lstm", 0, "lstm"},
                           {"lstm_peephole", "lstm_peephole", 0, "lstm_peephole"},
                           {"lstm, projection", "lstm", units, "lstmp"},
                           {"gru", "gru", 0, "gru"},
                           {"gru_reset_after", "gru_reset_after", 0, "lbr_gru"},
                           {"augru", "augru", 0, "augru"},
                           {"augru_reset_after", "augru_reset_after", 0, "lbr_augru"}};
  const Target& target = active_target();
  for (const CellKernels& cell : std::span(target.cells, static_cast<std::size_t>(target.cell_count))) {
    if (std::ranges::none_of(all, [&](const Cell& known) { return known.ours == cell.name; }))
      all.push_back({cell.name, cell.name});
  }
  return all;
}

struct Bytes {
  i64 workspace = 0, scratch = 0, weights = 0;
};

/// One cell made ready: the passes to be timed.
struct Subject {
  std::function<void()> forward, backward;
  Bytes bytes;
};

Tensor uniform(i64 size, float low, float high, Random& random) {
  Tensor tensor({size});
  for (float& value : tensor.as<float>()) value = random.uniform(low, high);
  return tensor;
}

/// Our cell with all its memory.
class Ours {
 public:
  Ours(const Cell& cell, i64 batch, int threads, bool training)
      : plan_({.cell = cell.ours, .input = units, .units = units, .projection = cell.projection}),
        use_(training ? PackedWeights::Use::training : PackedWeights::Use::inference),
        packs_(plan_, use_),
        room_{.steps = steps, .batch = batch, .training = training, .takes_y = true} {
    execution_.threads = threads;
    const CellKernels& kernels = plan_.cell();
    const i64 gates = kernels.gates;
    make_weight(weights_.W, back_.d_weights.W, units * gates * units);
    if (kernels.dense) make_weight(weights_.U, back_.d_weights.U, plan_.width() * gates * units);
    make_weight(weights_.b, back_.d_weights.b, gates * units);
    if (kernels.params > 0) make_weight(weights_.params, back_.d_weights.params, kernels.params * units);
    if (plan_.projected()) make_weight(weights_.P, back_.d_weights.P, units * cell.projection);
    packs_.pack(plan_, weights_, execution_);
    call_.steps = steps;
    call_.batch = batch;
    call_.x = time_major<const float>(add(steps * batch * units, -1.0F, 1.0F), batch, units);
    call_.y = time_major(add(steps * batch * plan_.width()), batch, plan_.width());
    back_.dy = time_major<const float>(add(steps * batch * plan_.width(), -1.0F, 1.0F), batch, plan_.width());
    back_.dx = time_major(add(steps * batch * units), batch, units);
    if (kernels.attention) {
      call_.attention = time_major<const float>(add(steps * batch, 0.0F, 1.0F), batch, 1);
      back_.d_attention = time_major(add(steps * batch), batch, 1);
    }
    back_.accumulate = true;
    workspace_.prepare(plan_, room_);
  }

  void forward() { recurra::forward(plan_, packs_, call_, workspace_, room_.training, execution_); }

  void backward() { recurra::backward(plan_, packs_, call_, back_, workspace_, execution_); }

  [[nodiscard]] Bytes bytes() const {
    const auto [kept, scratch] = Workspace::bytes(plan_, room_);
    return {kept, scratch, PackedWeights::floats(plan_, use_) * i64{sizeof(float)}};
  }

 private:
  float* add(i64 size, float low = 0.0F, float high = 0.0F) {
    return tensors_.emplace_back(uniform(size, low, high, random_)).data();
  }

  void make_weight(const float*& weight, float*& gradient, i64 size) {
    weight = add(size, -0.0625F, 0.0625F);  // 1 / sqrt(units)
    gradient = add(size);
  }

  Plan plan_;
  PackedWeights::Use use_;
  PackedWeights packs_;
  Room room_;
  Workspace workspace_;
  Execution execution_;
  Random random_{1};
  std::vector<Tensor> tensors_;
  Weights weights_;
  Call call_;
  BackwardCall back_;
};

Subject ours(const Cell& cell, i64 batch, int threads, bool training) {
  const auto run = std::make_shared<Ours>(cell, batch, threads, training);
  return {[run] { run->forward(); }, [run] { run->backward(); }, run->bytes()};
}

Subject theirs(const Cell& cell, i64 batch, bool training) {
  const onednn::Problem problem{.name = cell.name,
                                .cell = cell.onednn,
                                .steps = steps,
                                .batch = batch,
                                .input = units,
                                .recurrent = units,
                                .units = units,
                                .width = units,
                                .states = false};
  const auto run = std::make_shared<onednn::Rnn>(problem, training);
  run->set(onednn::random_inputs(problem, 1), onednn::random_gradients(problem, 1));
  const auto [workspace, scratch, weights] = run->bytes();
  return {[run] { run->forward(); }, [run] { run->backward(); }, {workspace, scratch, weights}};
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Times {
  double forward = std::numeric_limits<double>::infinity();
  double backward = std::numeric_limits<double>::infinity();
};

/// The fastest of all calls within `seconds`, after some that warm up.
Times fastest(const Subject& subject, bool training, double seconds) {
  Times best;
  double used = 0.0;
  for (int call = 0; call < 8 || used < seconds; ++call) {
    const double forward = seconds_of(subject.forward);
    const double backward = training ? seconds_of(subject.backward) : 0.0;
    if (call < 3) continue;
    best.forward = std::min(best.forward, forward);
    best.backward = std::min(best.backward, backward);
    used += forward + backward;
  }
  return best;
}

double forward_flops(const Cell& cell, i64 batch) {
  const Plan plan({.cell = cell.ours, .input = units, .units = units, .projection = cell.projection});
  return 2.0 * static_cast<double>((plan.input_work() + plan.recurrent_work()) * steps * batch);
}

struct Row {
  std::string peer, cell;
  i64 batch;
};

void print(const Row& row, const char* pass, double seconds, double flops, const Bytes& bytes) {
  std::printf(
      R"({"peer": "%s", "row": "%s, batch %lld, %s", "ms": %.6f, "gflops": %.2f, "workspace": %lld, "scratch": %lld, "weights": %lld})"
      "\n",
      row.peer.c_str(),
      row.cell.c_str(),
      static_cast<long long>(row.batch),
      pass,
      1e3 * seconds,
      flops / seconds / 1e9,
      static_cast<long long>(bytes.workspace),
      static_cast<long long>(bytes.scratch),
      static_cast<long long>(bytes.weights));
  std::fflush(stdout);
}

void measure(const std::string& peer, const Cell& cell, i64 batch, int threads, double seconds) {
  const Row row{peer, cell.name, batch};
  const double flops = forward_flops(cell, batch);
  for (const bool training : {false, true}) {
    const Subject subject =
        peer == "recurra" ? ours(cell, batch, threads, training) : theirs(cell, batch, training);
    const Times times = fastest(subject, training, training ? 3.0 * seconds : seconds);
    print(row, training ? "training forward" : "inference", times.forward, flops, subject.bytes);
    if (training) print(row, "backward", times.backward, 2.0 * flops, subject.bytes);
  }
}

int fail(const char* text) {
  std::fprintf(stderr, "benchmark_cells: %s\n", text);
  return 2;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (const Cell& cell : cells()) std::printf("%s\t%s\n", cell.name.c_str(), cell.onednn.c_str());
    return 0;
  }
  if (arguments.size() != 5) return fail("expected --list or PEER CELL BATCH THREADS SECONDS");
  const std::string& peer = arguments[0];
  if (peer != "recurra" && peer != "onednn") return fail("PEER is recurra or onednn");
  const std::vector<Cell> all = cells();
  const auto cell = std::ranges::find(all, arguments[1], &Cell::name);
  if (cell == all.end()) return fail("CELL is not in the list");
  const i64 batch = std::atoi(arguments[2].c_str());
  if (batch < 1) return fail("BATCH is a number from 1 up");
  measure(peer, *cell, batch, std::atoi(arguments[3].c_str()), std::atof(arguments[4].c_str()));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
