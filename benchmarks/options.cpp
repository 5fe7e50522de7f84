/// What each option of a recurrent layer costs in training, against the layer without it: an LSTM, or a GRU.
/// Both directions are measured against two plain LSTMs, whose work they have. Rows take turns in every
/// round, so that all see the same machine, and the fastest of all rounds counts.
///
/// usage: options [ROUNDS]      ROUNDS of each row, default 15
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "benchmarks/user_lstm_cell.h"
#include "recurra/recurra.h"

namespace {

using namespace recurra;

struct Size {
  const char* name;
  i64 units, features, batch, steps;
};

enum class Mask { none, padded, holes };

/// A layer of these options, and what it is measured against.
struct Row {
  const char* name;
  std::function<std::unique_ptr<Layer>(const RecurrentOptions&)> make;
  Mask mask = Mask::none;
  const char* against = "plain";
  double worth = 1;  ///< so many times the row of that name
  int states = 0;    ///< initial ones that are inputs
};

/// An LSTM with one option.
Row lstm(const char* name, void (*set)(LstmOptions&), Mask mask = Mask::none) {
  const auto make = [set](const RecurrentOptions& common) {
    LstmOptions options{common};
    set(options);
    return std::make_unique<Lstm>(options);
  };
  return {name, make, mask};
}

/// An LSTM that begins with states given to it, whose gradients are wanted, and gives its final ones.
Row lstm_with_states(const char* name) {
  Row row = lstm(name, [](LstmOptions& o) { o.return_state = true; });
  row.states = 2;
  return row;
}

/// A GRU in one of its forms.
Row gru(const char* name, bool reset_after) {
  const auto make = [reset_after](const RecurrentOptions& common) {
    GruOptions options{common};
    options.reset_after = reset_after;
    return std::make_unique<Gru>(options);
  };
  return {name, make, Mask::none, "GRU"};
}

void nothing(LstmOptions& options) {
  static_cast<void>(options);
}

const std::vector<Row>& rows() {
  static const std::vector<Row> list = {
      lstm("plain", nothing),
      lstm("dropout", [](LstmOptions& o) { o.dropout = 0.2; }),
      lstm("recurrent_dropout", [](LstmOptions& o) { o.recurrent_dropout = 0.2; }),
      lstm("both dropouts", [](LstmOptions& o) { o.dropout = o.recurrent_dropout = 0.2; }),
      lstm("activation relu", [](LstmOptions& o) { o.activation = {ActivationKind::relu}; }),
      lstm("activation softsign", [](LstmOptions& o) { o.activation = {ActivationKind::softsign}; }),
      lstm("activation gelu", [](LstmOptions& o) { o.activation = {ActivationKind::gelu}; }),
      lstm("recurrent_activation hard_sigmoid",
           [](LstmOptions& o) {
             o.recurrent_activation = {ActivationKind::hard_sigmoid, 1.0F / 6, 0.5F};
           }),
      lstm("activity_regularizer", [](LstmOptions& o) { o.activity_regularizer = l2(); }),
      lstm("use_bias off", [](LstmOptions& o) { o.use_bias = false; }),
      lstm("go_backwards", [](LstmOptions& o) { o.go_backwards = true; }),
      lstm("last output only", [](LstmOptions& o) { o.return_sequences = false; }),
      lstm("mask, padded right", nothing, Mask::padded),
      lstm("mask with holes", nothing, Mask::holes),
      lstm(
          "zero_output_for_mask, with holes",
          [](LstmOptions& o) { o.zero_output_for_mask = true; },
          Mask::holes),
      lstm("stateful", [](LstmOptions& o) { o.stateful = true; }),
      lstm("return_state", [](LstmOptions& o) { o.return_state = true; }),
      lstm_with_states("return_state, initial_state"),
      {"Bidirectional, against two",
       [](const RecurrentOptions& o) {
         return std::make_unique<Bidirectional>(std::make_unique<Lstm>(LstmOptions{o}));
       },
       Mask::none,
       "plain",
       2},
      {"RNN(LSTMCell)",
       [](const RecurrentOptions& o) {
         const RnnOptions sequences{.return_sequences = true};
         return std::make_unique<Rnn>(std::make_unique<LstmCell>(LstmOptions{{.units = o.units}}), sequences);
       }},
      {"RNN over a user's LSTM cell",
       [](const RecurrentOptions& o) {
         const RnnOptions sequences{.return_sequences = true};
         return std::make_unique<Rnn>(std::make_unique<UserLstmCell>(o.units), sequences);
       }},
      gru("GRU", true),
      gru("GRU, reset_after off", false),
  };
  return list;
}

/// All steps count but few, so that the work is that of the plain layer.
StepMask make_mask(const Size& size, Mask kind) {
  std::vector<std::uint8_t> counts(static_cast<std::size_t>(size.batch * size.steps), 1);
  for (i64 row = 0; kind != Mask::none && row < size.batch; row += 4) {
    const i64 step = kind == Mask::padded ? size.steps - 1 : row % (size.steps - 2) + 1;
    counts[static_cast<std::size_t>(row * size.steps + step)] = 0;
  }
  return StepMask::of_bytes(size.batch, size.steps, std::move(counts));
}

Tensor normal(const Shape& shape, std::uint64_t stream) {
  Random random(1, stream);
  Tensor tensor(shape);
  for (float& value : tensor.as<float>()) value = random.normal();
  return tensor;
}

class Run {
 public:
  Run(const Size& size, const Row& row)
      : mask_(make_mask(size, row.mask)), layer_(row.make({.units = size.units, .return_sequences = true})) {
    tensors_.push_back(normal({size.batch, size.steps, size.features}, 1));
    for (int k = 0; k < row.states; ++k) tensors_.push_back(normal({size.batch, size.units}, 3));
    for (const Tensor& tensor : tensors_) inputs_.push_back(&tensor);
    wanted_.assign(inputs_.size(), 1);
    Random random(1);
    const Shape input = {size.steps, size.features};
    layer_->build(std::span(&input, 1), random);
    context_.training = true;
    if (row.mask != Mask::none) context_.mask = &mask_;
    for (const Tensor* y : layer_->forward(inputs_, context_)) ds_.push_back(normal(y->shape(), 2));
    for (const Tensor& d : ds_) d_outputs_.push_back(&d);
  }

  /// One training step but for the optimizer: weights are packed, as they have changed.
  double seconds() {
    const auto start = std::chrono::steady_clock::now();
    ++context_.dropout.update;
    layer_->parameters_changed();
    layer_->forward(inputs_, context_);
    layer_->backward(inputs_, d_outputs_, wanted_, context_);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  StepMask mask_;
  std::vector<Tensor> tensors_, ds_;
  std::vector<const Tensor*> inputs_, d_outputs_;
  std::vector<std::uint8_t> wanted_;
  std::unique_ptr<Layer> layer_;
  Context context_;
};

/// Where the row of this name is.
std::size_t place_of(std::string_view name) {
  std::size_t place = 0;
  while (rows()[place].name != name) ++place;
  return place;
}

void measure(const Size& size, int rounds) {
  std::vector<std::unique_ptr<Run>> runs;
  for (const Row& row : rows()) runs.push_back(std::make_unique<Run>(size, row));
  std::vector<double> best(runs.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      runs[i]->seconds();
      best[i] = std::min(best[i], runs[i]->seconds());
    }
  }
  std::printf("%s: %lld units, %lld features, batch %lld, %lld steps\n",
              size.name,
              static_cast<long long>(size.units),
              static_cast<long long>(size.features),
              static_cast<long long>(size.batch),
              static_cast<long long>(size.steps));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Row& row = rows()[i];
    std::printf("  %-34s %9.3f ms %6.2f\n",
                row.name,
                1e3 * best[i],
                best[i] / (row.worth * best[place_of(row.against)]));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  measure({"digits", 64, 28, 64, 28}, 20 * rounds);
  measure({"large", 256, 256, 64, 100}, rounds);
}
