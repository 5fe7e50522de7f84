/// Times one cell, ours or oneDNN's, at 256 inputs and units over 50 steps: inference, and the two passes of
/// training. Prints a JSON line for each; cells.py runs this in quiet rounds.
///
/// usage: benchmark_cells --list
///        benchmark_cells PEER CELL BATCH THREADS SECONDS      PEER recurra or onednn, CELL one of the list
///
/// What is timed: an execution of the RNN primitive with weights packed before (by oneDNN: reordered before),
/// no initial states, the whole output sequence, in backward gradients of the input (and attention) and of
/// every weight, added to what is there; of our lstm once more with gradients of weights that overwrite it.
/// oneDNN's number of threads is OMP_NUM_THREADS. --list prints lines of tabs: the cell, what oneDNN calls it
/// (nothing where it has none), and our passes, with semicolons between them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

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
                           {"lstm_peephole, projection", CellKind::lstm, true, units, "lstmp_peephole"},
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

/// One cell made ready: the passes to be timed; those that are empty are not.
struct Subject {
  std::function<void()> forward, backward, overwriting;
  Bytes bytes;
};

constexpr const char* inference_pass = "inference";
constexpr const char* forward_pass = "training forward";
constexpr const char* backward_pass = "backward";
constexpr const char* overwriting_pass = "backward, overwriting";

/// Whether our way back is timed with gradients of weights that overwrite, too: of one cell, since they are
/// written where no cell is known.
bool times_overwriting(const Cell& cell) {
  return cell.name == "lstm";
}

Subject ours(const Cell& cell, i64 batch, int threads, bool training) {
  const auto run =
      std::make_shared<onednn::OurRnn>(desc_of(cell, training), steps, batch, Execution{.threads = threads});
  run->set(1);
  const auto [workspace, scratch, weights] = run->bytes();
  Subject subject{[run] { run->forward(); }, {}, {}, {workspace, scratch, weights}};
  if (training)
    subject.backward = [run] {
      run->backward();
    };
  if (training && times_overwriting(cell))
    subject.overwriting = [run] {
      run->backward_overwriting();
    };
  return subject;
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
  Subject subject{[run] { run->forward(); }, {}, {}, {workspace, scratch, weights}};
  if (training)
    subject.backward = [run] {
      run->backward();
    };
  return subject;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Times {
  double forward = std::numeric_limits<double>::infinity();
  double backward = std::numeric_limits<double>::infinity();
  double overwriting = std::numeric_limits<double>::infinity();
};

/// The fastest of all calls within `seconds`, after some that warm up. Both ways back take turns, each behind
/// a forward of its own.
Times fastest(const Subject& subject, double seconds) {
  Times best;
  double used = 0.0;
  int call = 0;
  const auto time = [&](const std::function<void()>& pass, double& least) {
    const double taken = seconds_of(pass);
    if (call < 3) return;
    least = std::min(least, taken);
    used += taken;
  };
  for (; call < 8 || used < seconds; ++call) {
    time(subject.forward, best.forward);
    if (subject.backward) time(subject.backward, best.backward);
    if (!subject.overwriting) continue;
    time(subject.forward, best.forward);
    time(subject.overwriting, best.overwriting);
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
    const double passes = subject.overwriting ? 6.0 : training ? 3.0 : 1.0;
    const Times times = fastest(subject, passes * seconds);
    print(row, training ? forward_pass : inference_pass, times.forward, flops, subject.bytes);
    if (training) print(row, backward_pass, times.backward, 2.0 * flops, subject.bytes);
    if (subject.overwriting) print(row, overwriting_pass, times.overwriting, 2.0 * flops, subject.bytes);
  }
}

int fail(const char* text) {
  std::fprintf(stderr, "benchmark_cells: %s\n", text);
  return 2;
}

int list() {
  for (const Cell& cell : cells()) {
    std::string passes = std::string(inference_pass) + ";" + forward_pass + ";" + backward_pass;
    if (times_overwriting(cell)) passes += std::string(";") + overwriting_pass;
    std::printf("%s\t%s\t%s\n", cell.name.c_str(), cell.onednn.c_str(), passes.c_str());
  }
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "--list") return list();
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
