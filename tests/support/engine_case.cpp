#include "tests/support/engine_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

namespace recurra::scalar_toy {
extern const Target table;
}
#if defined(RECURRA_HAS_X86_TARGETS)
namespace recurra::avx2_toy {
extern const Target table;
}

namespace recurra::avx512_toy {
extern const Target table;
}
#endif

namespace recurra::test {

namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

Floats to_float(const Doubles& values) {
  return {values.begin(), values.end()};
}

std::size_t product(int a, int b, int c = 1) {
  return std::size_t(a) * std::size_t(b) * std::size_t(c);
}

void uniform(Doubles& to, std::size_t size, double limit, Random& random) {
  to.resize(size);
  for (double& value : to) value = random.uniform(-float(limit), float(limit));
}

/// Everything of a case in float, and the calls made of it.
struct Run {
  Run(const EngineCase& given, const Target& target)
      : c(given),
        plan(recurrence_of(given), target),
        x(to_float(c.values.x)),
        W(to_float(c.values.W)),
        U(to_float(c.values.U)),
        b(to_float(c.values.b)),
        params(to_float(c.values.params)),
        P(to_float(c.values.P)),
        x_factor(to_float(c.options.x_factor)),
        h_factor(to_float(c.options.h_factor)),
        attention(to_float(c.values.attention)) {
    weights = {W.data(),
               U.empty() ? nullptr : U.data(),
               b.empty() ? nullptr : b.data(),
               params.empty() ? nullptr : params.data(),
               P.empty() ? nullptr : P.data()};
    call.steps = c.sizes.steps;
    call.batch = c.sizes.batch;
    call.x = batch_major<const float>(x.data(), c.sizes.steps, c.sizes.input);
    call.lengths = c.lengths.empty() ? nullptr : c.lengths.data();
    call.mask = c.options.counts.empty() ? nullptr : c.options.counts.data();
    call.fill = c.options.repeat ? Fill::repeat : Fill::zeros;
    call.x_dropout = x_factor.empty() ? nullptr : x_factor.data();
    call.h_dropout = h_factor.empty() ? nullptr : h_factor.data();
    if (c.numbers.attention) call.attention = batch_major<const float>(attention.data(), c.sizes.steps, 1);
    if (c.take_sequence) {
      out.y.assign(product(c.sizes.batch, c.sizes.steps, c.sizes.width()), -7.0F);
      call.y = batch_major(out.y.data(), c.sizes.steps, c.sizes.width());
    }
    for (int k = 0; k < c.numbers.states; ++k) {
      initial[k] = to_float(c.values.initial[k]);
      out.final[k].assign(initial[k].size(), -7.0F);
      call.initial[k] = c.initial_given ? initial[k].data() : nullptr;
      call.final[k] = out.final[k].data();
      zoneout[k] = to_float(c.options.zoneout[k]);
      if (!zoneout[k].empty()) call.zoneout[k] = sequence_of<const float>(zoneout[k].data());
      if (k == 0 || !c.take_states) continue;
      out.states[k].assign(product(c.sizes.batch, c.sizes.steps, c.sizes.units), -7.0F);
      call.states[k] = sequence_of(out.states[k].data());
    }
  }

  static Recurrence recurrence_of(const EngineCase& c) {
    return {c.cell,
            c.sizes.input,
            c.sizes.units,
            c.sizes.projection,
            c.sizes.reverse,
            c.options.activations,
            float(c.options.clip),
            float(c.options.projection_clip)};
  }

  template <class T>
  SequenceOf<T> sequence_of(T* data) const {
    return batch_major(data, c.sizes.steps, c.sizes.units);
  }

  [[nodiscard]] Room room(bool training) const {
    return {.steps = c.sizes.steps,
            .batch = c.sizes.batch,
            .training = training,
            .masks = call.mask != nullptr || c.options.repeat,
            .dropout = call.x_dropout != nullptr || call.h_dropout != nullptr,
            .states = c.take_states,
            .zoneout = !zoneout[0].empty(),
            .zoneout_states =
                std::ranges::any_of(std::span(zoneout).subspan(1), [](auto& z) { return !z.empty(); })};
  }

  void backward_into(const Execution& execution, PackedWeights& packs, Workspace& workspace) {
    BackwardCall back;
    dy = to_float(c.outside.y);
    if (c.take_sequence) back.dy = batch_major<const float>(dy.data(), c.sizes.steps, c.sizes.width());
    for (int k = 0; k < c.numbers.states; ++k) {
      d_final[k] = to_float(c.outside.final[k]);
      out.initial[k].assign(initial[k].size(), -7.0F);
      back.d_final[k] = d_final[k].data();
      back.d_initial[k] = out.initial[k].data();
      d_states[k] = to_float(c.outside.states[k]);
      if (!d_states[k].empty()) back.d_states[k] = sequence_of<const float>(d_states[k].data());
    }
    out.x.assign(x.size(), -7.0F);
    back.dx = batch_major(out.x.data(), c.sizes.steps, c.sizes.input);
    out.attention.assign(attention.size(), -7.0F);
    if (c.numbers.attention) back.d_attention = batch_major(out.attention.data(), c.sizes.steps, 1);
    for (auto [from, to] :
         {std::pair{&W, &out.W}, {&U, &out.U}, {&b, &out.b}, {&params, &out.params}, {&P, &out.P}}) {
      to->assign(from->size(), -7.0F);
    }
    back.d_weights = {
        out.W.data(), out.U.data(), out.b.empty() ? nullptr : out.b.data(), out.params.data(), out.P.data()};
    backward(plan, packs, call, back, workspace, execution);
    out.backward = workspace.report();
  }

  const EngineCase& c;
  Plan plan;
  Floats x, W, U, b, params, P, x_factor, h_factor, attention, dy, initial[max_states], d_final[max_states],
      zoneout[max_states], d_states[max_states];
  Weights weights;
  Call call;
  Outputs out;
};

Outputs run(const EngineCase& c, const Target& target, const Execution& execution, bool training) {
  Run run(c, target);
  PackedWeights packs(run.plan, training ? PackedWeights::Use::training : PackedWeights::Use::inference);
  packs.pack(run.plan, run.weights, execution);
  Workspace workspace;
  workspace.prepare(run.plan, run.room(training));
  forward(run.plan, packs, run.call, workspace, training, execution);
  run.out.forward = workspace.report();
  return std::move(run.out);
}

}  // namespace

CellSizes sizes_of(const CellKernels& cell) {
  const bool bounded = std::none_of(cell.activations, cell.activations + cell.activation_count, [](auto& a) {
    return a.kind == ActivationKind::relu || a.kind == ActivationKind::linear;
  });
  return {cell.gates, cell.states, cell.params, cell.dense, cell.attention, cell.clips, bounded};
}

void EngineCase::fill(Random& random) {
  const double limit = 1.0 / std::sqrt(double(sizes.units));
  uniform(values.W, product(sizes.input, numbers.gates, sizes.units), limit, random);
  const double back = numbers.bounded ? limit : limit / 2;
  uniform(values.U, numbers.dense ? product(sizes.width(), numbers.gates, sizes.units) : 0, back, random);
  uniform(values.b, product(numbers.gates, sizes.units), limit, random);
  uniform(values.params, product(numbers.params, sizes.units), back, random);
  uniform(values.P, product(sizes.units, sizes.projection), limit, random);
  values.x.resize(product(sizes.batch, sizes.steps, sizes.input));
  for (double& value : values.x) value = random.normal();
  // A gradient that is a single number may cancel to nothing, and then its relative error says nothing: with
  // one unit all that comes from outside has one sign.
  const auto gradient = [&] {
    return sizes.units > 1 ? random.normal() : random.uniform(0.5F, 1.5F);
  };
  outside.y.resize(take_sequence ? product(sizes.batch, sizes.steps, sizes.width()) : 0);
  for (double& value : outside.y) value = gradient();
  for (int k = 0; k < numbers.states; ++k) {
    const std::size_t size = product(sizes.batch, k == 0 ? sizes.width() : sizes.units);
    uniform(values.initial[k], size, initial_given ? 1.0 : 0.0, random);
    outside.final[k].resize(size);
    for (double& value : outside.final[k]) value = gradient();
  }
  values.attention.resize(numbers.attention ? product(sizes.batch, sizes.steps) : 0);
  for (double& value : values.attention) value = random.uniform();
  for (int k = 1; k < numbers.states; ++k) {
    outside.states[k].resize(take_states ? product(sizes.batch, sizes.steps, sizes.units) : 0);
    for (double& value : outside.states[k]) value = gradient();
  }
}

void EngineCase::drop_out(Random& random, double rate, bool state) {
  const auto draw = [&](Doubles& factors, std::size_t size) {
    factors.resize(size);
    for (double& factor : factors) factor = random.uniform() < rate ? 0.0 : float(1.0 / (1.0 - rate));
  };
  draw(options.x_factor, product(sizes.batch, sizes.input));
  if (state) draw(options.h_factor, product(sizes.batch, sizes.units));
}

void EngineCase::zone_out(Random& random, double rate) {
  for (int k = sizes.projection > 0 ? 1 : 0; k < numbers.states; ++k) {
    options.zoneout[k].resize(product(sizes.batch, sizes.steps, sizes.units));
    for (double& z : options.zoneout[k]) z = random.uniform() < rate ? 1.0 : 0.0;
  }
}

void EngineCase::mask_steps(Random& random, bool repeat) {
  lengths.clear();
  options.repeat = repeat;
  options.counts.resize(product(sizes.batch, sizes.steps));
  for (int row = 0; row < sizes.batch; ++row) {
    // Rows with holes, padded on the right, on the left, and without a single step.
    const auto kind = random.below(5);
    const auto cut = int(random.below(std::uint64_t(sizes.steps) + 1));
    for (int t = 0; t < sizes.steps; ++t) {
      const bool counts[] = {random.below(3) != 0, t < cut, t >= cut, false, true};
      options.counts[product(row, sizes.steps) + std::size_t(t)] = counts[kind];
    }
  }
}

EngineCase EngineCase::only_row(int row) const {
  EngineCase one = *this;
  one.sizes.batch = 1;
  if (!lengths.empty()) one.lengths = {lengths[std::size_t(row)]};
  const auto take = [&](Doubles& values) {
    const std::size_t size = values.size() / std::size_t(sizes.batch);
    values = Doubles(values.begin() + std::ptrdiff_t(size) * row,
                     values.begin() + std::ptrdiff_t(size) * (row + 1));
  };
  take(one.values.x);
  take(one.values.attention);
  take(one.outside.y);
  take(one.options.x_factor);
  take(one.options.h_factor);
  const auto steps = std::ptrdiff_t(sizes.steps);
  if (!options.counts.empty())
    one.options.counts = {options.counts.begin() + steps * row, options.counts.begin() + steps * (row + 1)};
  for (int k = 0; k < numbers.states; ++k) {
    take(one.values.initial[k]);
    take(one.outside.final[k]);
    take(one.outside.states[k]);
    take(one.options.zoneout[k]);
  }
  return one;
}

std::string EngineCase::text() const {
  std::string s = cell + " units " + std::to_string(sizes.units) + " input " + std::to_string(sizes.input) +
                  " batch " + std::to_string(sizes.batch) + " steps " + std::to_string(sizes.steps) +
                  " projection " + std::to_string(sizes.projection) + (sizes.reverse ? " reverse" : "") +
                  (initial_given ? " initial" : "") + (take_sequence ? "" : " final only") +
                  (options.counts.empty() ? "" : " mask") + (options.repeat ? " repeat" : "") +
                  (options.x_factor.empty() ? "" : " x dropout") +
                  (options.h_factor.empty() ? "" : " h dropout") + (take_states ? " states" : "") +
                  (options.clip > 0 ? " clip" : "") +
                  (std::ranges::all_of(options.zoneout, &Doubles::empty) ? "" : " zoneout") + " lengths";
  for (const int length : lengths) s += " " + std::to_string(length);
  return s;
}

Outputs run_forward(const EngineCase& c, const Target& target, const Execution& execution, bool training) {
  return run(c, target, execution, training);
}

Outputs run_training(const EngineCase& c,
                     const Target& target,
                     const Execution& execution,
                     const TrainingMemory& memory) {
  Run run(c, target);
  PackedWeights packs(run.plan, PackedWeights::Use::training);
  packs.pack(run.plan, run.weights, execution);
  Room room = run.room(true);
  room.keep = memory.keep;
  Workspace first, second;
  Workspace* back = memory.given ? &second : &first;
  GivenMemory kept, scratch, other;
  if (memory.given) {
    room.takes_y = c.take_sequence;
    const MemoryBytes bytes = Workspace::bytes(run.plan, room);
    const auto given = kept.take(bytes.kept);
    first.prepare(run.plan, room, given, scratch.take(bytes.scratch));
    second.prepare(run.plan, room, given, other.take(bytes.scratch));
  } else {
    first.prepare(run.plan, room);
  }
  forward(run.plan, packs, run.call, first, true, execution);
  run.out.forward = first.report();
  scratch.fill();
  run.backward_into(execution, packs, *back);
  return std::move(run.out);
}

const Target& toy_target([[maybe_unused]] const Target& target) {
#if defined(RECURRA_HAS_X86_TARGETS)
  if (std::string(target.name) == "avx2") return avx2_toy::table;
  if (std::string(target.name) == "avx512") return avx512_toy::table;
#endif
  return scalar_toy::table;
}

const Target& table_of(const Target& target, const std::string& cell) {
  for (int i = 0; i < target.cell_count; ++i) {
    if (target.cells[i].name == cell) return target;
  }
  return toy_target(target);
}

Difference compare(const Floats& actual, const Doubles& expected) {
  Difference difference;
  if (actual.size() != expected.size()) return {INFINITY, 0};
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(double(actual[i]) - expected[i]);
    if (!(error <= difference.error)) difference.error = error;  // NaN counts as the largest
    difference.largest = std::max(difference.largest, std::abs(expected[i]));
  }
  return difference;
}

double output_tolerance(int units, double largest) {
  return 2e-6 * std::max(1.0, std::sqrt(units / 512.0)) * std::max(1.0, largest);
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace recurra::test
