/// Times one cell, ours or oneDNN's, at 256 inputs and units over 50 steps: inference, and the two passes of
/// training. Prints a JSON line for each; cells.py runs this in quiet rounds.
///
/// usage: benchmark_cells --list
///        benchmark_cells PEER CELL BATCH THREADS SECONDS      PEER recurra or onednn, CELL one of the list
///
/// What is timed: an execution of the RNN primitive with weights packed before (by oneDNN: reordered before),
/// no initial states, the whole output sequence, in backward gradients of the input (and attention) and of
/// every weight, added to what is there. oneDNN's number of threads is OMP_NUM_THREADS.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>

#include "tests/onednn/ours.h"
#include "tests/onednn/rnn.h"

namespace {

using namespace recurra;
using primitive::CellKind;

constexpr i64 units = 256;
constexpr i64 steps = 50;

/// A row of the benchmark: a cell of ours, and what oneDNN calls it.
struct Cell {
  std::string name;
  CellKind kind;
  bool peephole = false;
  i64 projection = 0;
  std::string onednn = {};  ///< empty: it has none
};

/// All cells of the primitive, those that oneDNN has first.
std::vector<Cell> cells() {
  std::vector<Cell> all = {{"vanilla", CellKind::vanilla_rnn, false, 0, "rnn_tanh"},
                           {"lstm", CellKind::lstm, false, 0, "lstm"},
                           {"lstm_peephole", CellKind::lstm, true, 0, "lstm_peephole"},
                           {"lstm, projection", CellKind::lstm, false, units, "lstmp"},
                           {"gru", CellKind::gru, false, 0, "gru"},
                           {"gru_reset_after", CellKind::lbr_gru, false, 0, "lbr_gru"},
                           {"augru", CellKind::augru, false, 0, "augru"},
                           {"augru_reset_after", CellKind::lbr_augru, false, 0, "lbr_augru"}};
  for (int kind = 0; kind <= static_cast<int>(primitive::last_cell_kind); ++kind) {
    const auto cell = static_cast<CellKind>(kind);
    if (std::ranges::none_of(all, [&](const Cell& known) { return known.kind == cell; }))
      all.push_back({name_of(cell), cell});
  }
  return all;
}

primitive::RnnDesc desc_of(const Cell& cell, bool training) {
  primitive::RnnDesc desc;
  desc.cell = cell.kind;
  desc.peephole = cell.peephole;
  desc.propagation =
      training ? primitive::Propagation::forward_training : primitive::Propagation::forward_inference;
  desc.input = desc.units = units;
  desc.projection = cell.projection;
  return desc;
}

struct Bytes {
  i64 workspace = 0, scratch = 0, weights = 0;
};

/// One cell made ready: the passes to be timed.
struct Subject {
  std::function<void()> forward, backward;
  Bytes bytes;
};

Subject ours(const Cell& cell, i64 batch, int threads, bool training) {
  const auto run =
      std::make_shared<onednn::OurRnn>(desc_of(cell, training), steps, batch, Execution{.threads = threads});
  run->set(1);
  const auto [workspace, scratch, weights] = run->bytes();
  return {[run] { run->forward(); }, [run] { run->backward(); }, {workspace, scratch, weights}};
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
  const primitive::RnnPrimitive primitive(desc_of(cell, false));
  const Plan& plan = primitive.plan().plan(0, 0);
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
