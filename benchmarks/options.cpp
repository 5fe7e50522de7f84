/// What each option of a recurrent layer costs in training, against the layer without it: options take turns
/// in every round, so that all see the same machine, and the fastest of all rounds counts.
///
/// usage: options [ROUNDS]      ROUNDS of each option, default 15
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <vector>

#include "recurra/recurra.h"

namespace {

using namespace recurra;

struct Size {
  const char* name;
  i64 units, features, batch, steps;
};

struct Option {
  const char* name;
  std::function<void(RecurrentOptions&)> set;
  enum class Mask { none, padded, holes } mask = Mask::none;
};

const std::vector<Option>& options() {
  static const std::vector<Option> list = {
      {"plain",
       [](RecurrentOptions&) {
       }},
      {"dropout",
       [](RecurrentOptions& o) {
         o.dropout = 0.2;
       }},
      {"recurrent_dropout",
       [](RecurrentOptions& o) {
         o.recurrent_dropout = 0.2;
       }},
      {"both dropouts",
       [](RecurrentOptions& o) {
         o.dropout = o.recurrent_dropout = 0.2;
       }},
      {"activation relu",
       [](RecurrentOptions& o) {
         o.activation = {ActivationKind::relu};
       }},
      {"activation softsign",
       [](RecurrentOptions& o) {
         o.activation = {ActivationKind::softsign};
       }},
      {"activation gelu",
       [](RecurrentOptions& o) {
         o.activation = {ActivationKind::gelu};
       }},
      {"use_bias off",
       [](RecurrentOptions& o) {
         o.use_bias = false;
       }},
      {"go_backwards",
       [](RecurrentOptions& o) {
         o.go_backwards = true;
       }},
      {"last output only",
       [](RecurrentOptions& o) {
         o.return_sequences = false;
       }},
      {"mask, padded right", [](RecurrentOptions&) {}, Option::Mask::padded},
      {"mask with holes", [](RecurrentOptions&) {}, Option::Mask::holes},
  };
  return list;
}

/// All steps count but few, so that the work is that of the plain layer.
StepMask make_mask(const Size& size, Option::Mask kind) {
  std::vector<std::uint8_t> counts(static_cast<std::size_t>(size.batch * size.steps), 1);
  for (i64 row = 0; kind != Option::Mask::none && row < size.batch; row += 4) {
    const i64 step = kind == Option::Mask::padded ? size.steps - 1 : row % (size.steps - 2) + 1;
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
  Run(const Size& size, const Option& option)
      : mask_(make_mask(size, option.mask)), x_(normal({size.batch, size.steps, size.features}, 1)) {
    LstmOptions o;
    o.units = size.units;
    o.return_sequences = true;
    option.set(o);
    layer_ = std::make_unique<Lstm>(o);
    Random random(1);
    layer_->build({size.steps, size.features}, random);
    context_.training = true;
    if (option.mask != Option::Mask::none) context_.mask = &mask_;
    d_ = normal(layer_->forward(x_, context_).shape(), 2);
  }

  /// One training step but for the optimizer: weights are packed, as they have changed.
  double seconds() {
    const auto start = std::chrono::steady_clock::now();
    ++context_.dropout.update;
    layer_->parameters_changed();
    layer_->forward(x_, context_);
    layer_->backward(x_, d_, true, context_);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  StepMask mask_;
  Tensor x_, d_;
  std::unique_ptr<Lstm> layer_;
  Context context_;
};

void measure(const Size& size, int rounds) {
  std::vector<Run> runs;
  for (const Option& option : options()) runs.emplace_back(size, option);
  std::vector<double> best(runs.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      runs[i].seconds();
      best[i] = std::min(best[i], runs[i].seconds());
    }
  }
  std::printf("%s: %lld units, %lld features, batch %lld, %lld steps\n",
              size.name,
              static_cast<long long>(size.units),
              static_cast<long long>(size.features),
              static_cast<long long>(size.batch),
              static_cast<long long>(size.steps));
  for (std::size_t i = 0; i < runs.size(); ++i)
    std::printf("  %-22s %9.3f ms %6.2f\n", options()[i].name, 1e3 * best[i], best[i] / best[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  measure({"digits", 64, 28, 64, 28}, 20 * rounds);
  measure({"large", 256, 256, 64, 100}, rounds);
}
