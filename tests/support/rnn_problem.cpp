#include "tests/support/rnn_problem.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/given_memory.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Doubles = std::vector<double>;

std::size_t product(i64 a, i64 b, i64 c = 1) {
  return std::size_t(a) * std::size_t(b) * std::size_t(c);
}

void uniform(Doubles& to, std::size_t size, double limit, Random& random) {
  to.resize(size);
  for (double& value : to) value = random.uniform(-float(limit), float(limit));
}

Doubles normal(std::size_t size, Random& random) {
  Doubles values(size);
  for (double& value : values) value = random.normal();
  return values;
}

/// (batch, steps, width) as (steps, batch, width), or back with the extents exchanged.
template <class Numbers>
Numbers exchanged(const Numbers& from, i64 outer, i64 inner, i64 width) {
  Numbers to(from.size());
  if (from.empty()) return to;
  for (i64 a = 0; a < outer; ++a) {
    for (i64 b = 0; b < inner; ++b) {
      for (i64 c = 0; c < width; ++c)
        to[product(b * outer + a, width) + std::size_t(c)] =
            from[product(a * inner + b, width) + std::size_t(c)];
    }
  }
  return to;
}

/// All numbers one behind the other.
Doubles joined(const std::vector<Doubles>& parts) {
  Doubles all;
  for (const Doubles& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// The same extents with gaps everywhere but between channels.
TensorDesc padded(const TensorDesc& desc) {
  if (desc.rank() == 3)
    return {{desc.dim(0), desc.dim(1), desc.dim(2)},
            {desc.dim(1) * (desc.dim(2) + 5) + 2, desc.dim(2) + 5, 1}};
  return {{desc.dim(0), desc.dim(1)}, {desc.dim(1) + 3, 1}};
}

/// Weights: gaps between all neighbours, and the rows lie innermost.
TensorDesc padded_weights(const TensorDesc& desc) {
  const i64 rows = desc.dim(0);
  if (desc.rank() == 3)
    return {{rows, desc.dim(1), desc.dim(2)}, {2, (2 * rows + 1) * desc.dim(2) + 3, 2 * rows + 1}};
  return {{rows, desc.dim(1)}, {2, 2 * rows + 1}};
}

RnnDesc with_outputs(RnnDesc desc, bool outputs) {
  desc.tensors.dst_layer = outputs;
  return desc;
}

reference::StackForm form_of(const RnnDesc& desc) {
  const bool adds = desc.direction == primitive::Direction::bidirectional_sum;
  const bool both = adds || desc.direction == primitive::Direction::bidirectional_concat;
  return {both ? 2 : 1, adds, desc.stacking == Stacking::cross_fed};
}

}  // namespace

RnnProblem::RnnProblem(
    const RnnDesc& desc, i64 steps, i64 batch, const RnnLayout& layout, Random& random, bool outputs)
    : desc_(with_outputs(desc, outputs)),
      primitive_(desc_for(Propagation::forward_training)),
      steps_(steps),
      batch_(batch),
      layout_(layout),
      outputs_(outputs),
      expected_(form_of(desc), {}, {}),
      inferred_(expected_) {
  std::vector<int> lengths;
  for (i64 row = 0; desc.tensors.lengths && row < batch; ++row)
    lengths.push_back(row == 0 ? int(steps) : row == 1 ? 0 : int(random.below(std::uint64_t(steps) + 1)));
  lengths_ = lengths;
  expected_ = reference::StackReference(form_of(desc), {}, lengths);
  x_ = normal(product(batch, steps, desc.input), random);
  dy_ = Doubles(product(batch, steps, primitive_.plan().width()), 0.0);
  if (outputs) dy_ = normal(dy_.size(), random);
  attention_.resize(primitive_.takes_attention() ? product(batch, steps) : 0);
  for (double& value : attention_) value = random.uniform();
  draw_runs(random);
  inferred_ = expected_;
  for (reference::StackRun& run : inferred_.runs) {
    std::ranges::fill(run.options.zoneout[0], desc.zoneout);
    std::ranges::fill(run.options.zoneout[1], desc.zoneout_c);
  }
  inferred_.forward(x_);
  expected_.forward(x_);
  expected_.backward(dy_);
}

void RnnProblem::draw_runs(Random& random) {
  const bool unbounded =
      desc_.cell == CellKind::indrnn || (!desc_.activations.empty() && desc_.cell == CellKind::vanilla_rnn);
  for (const Plan& plan : primitive_.plan().plans()) {
    reference::StackRun& run = expected_.runs.emplace_back();
    const CellKernels& cell = plan.cell();
    const i64 units = plan.units();
    run.cell = cell.name;
    run.sizes = {
        int(batch_), int(steps_), plan.input(), int(units), int(desc_.projection), plan.recurrence().reverse};
    run.options.activations = desc_.activations;
    reference::Values& v = run.values;
    const double limit = 1.0 / std::sqrt(double(units));
    uniform(v.W, product(plan.input(), cell.gates, units), limit, random);
    uniform(v.U, cell.dense ? product(plan.width(), cell.gates, units) : 0, limit, random);
    uniform(v.b, desc_.tensors.bias ? product(cell.gates, units) : 0, limit, random);
    uniform(v.params, product(cell.params, units), limit, random);
    uniform(v.P, product(units, desc_.projection), limit, random);
    if (!desc_.tensors.bias && (desc_.cell == CellKind::lbr_gru || desc_.cell == CellKind::lbr_augru))
      std::ranges::fill(v.params, 0.0);
    for (Doubles* recurrent : {&v.U, &v.params}) {
      for (double& value : *recurrent) value = unbounded ? float(value * 0.5) : value;
    }
    v.attention = attention_;
    run.options.clip = desc_.clip;
    const std::size_t all = product(batch_, steps_, units);
    const float rates[] = {desc_.zoneout, desc_.zoneout_c};
    for (int k = 0; k < 2; ++k) {
      run.options.zoneout[k].resize(rates[k] > 0 ? all : 0);
      for (double& z : run.options.zoneout[k]) z = random.uniform() < rates[k] ? 1.0 : 0.0;
    }
    if (desc_.tensors.dst_states) run.outside.y = normal(product(batch_, steps_, plan.width()), random);
    if (desc_.tensors.dst_states_c) run.outside.states[1] = normal(all, random);
    for (int k = 0; k < cell.states; ++k) {
      const std::size_t size = product(batch_, k == 0 ? plan.width() : units);
      const bool initial = k == 0 ? desc_.tensors.src_iter : desc_.tensors.src_iter_c;
      uniform(v.initial[k], size, initial ? 1.0 : 0.0, random);
      const bool final = k == 0 ? desc_.tensors.dst_iter : desc_.tensors.dst_iter_c;
      run.outside.final[k] = final ? normal(size, random) : Doubles(size, 0.0);
    }
  }
}

RnnDesc RnnProblem::desc_for(Propagation propagation) const {
  RnnDesc desc = desc_;
  desc.propagation = propagation;
  desc.diff_weights_overwrite = false;
  if (propagation == Propagation::forward_inference) desc.memory_level = MemoryLevel::keep_gates;
  return desc;
}

bool RnnProblem::is_whole() const {
  const StackPlan& plan = primitive_.plan();
  const bool asked = layout_.weights == WeightsLayout::ldigo || layout_.weights == WeightsLayout::ldgoi;
  return asked && (plan.layers() == 1 || plan.plan(1, 0).input() == plan.plan(0, 0).input());
}

TestTensor RnnProblem::sequence(i64 width, const Doubles& numbers) const {
  const FormatTag tag = layout_.sequences == SequenceLayout::ntc ? FormatTag::ntc : FormatTag::tnc;
  TensorDesc desc({steps_, batch_, width}, tag);
  if (layout_.sequences == SequenceLayout::padded) desc = padded(desc);
  return numbers.empty() ? TestTensor(desc) : TestTensor(desc, exchanged(numbers, batch_, steps_, width));
}

TestTensor RnnProblem::states(int k, const std::vector<Doubles>& numbers) const {
  const TensorDesc desc = k == 0 ? primitive_.iter_desc(batch_) : primitive_.iter_c_desc(batch_);
  return numbers.empty() ? TestTensor(desc) : TestTensor(desc, joined(numbers));
}

TestTensor RnnProblem::step_states(i64 width, const std::vector<Doubles>& numbers) const {
  const StackPlan& plan = primitive_.plan();
  const FormatTag tag = layout_.sequences == SequenceLayout::ntc ? FormatTag::ldntc : FormatTag::ldtnc;
  TensorDesc desc({plan.layers(), plan.directions(), steps_, batch_, width}, tag);
  if (layout_.sequences == SequenceLayout::padded) {
    const i64 run = steps_ * batch_ * (width + 3) + 1;
    desc = TensorDesc({plan.layers(), plan.directions(), steps_, batch_, width},
                      {plan.directions() * run, run, batch_ * (width + 3), width + 3, 1});
  }
  if (numbers.empty()) return TestTensor(desc);
  Doubles all;
  for (const Doubles& one : numbers) {
    const Doubles of_run = exchanged(one, batch_, steps_, width);
    all.insert(all.end(), of_run.begin(), of_run.end());
  }
  return TestTensor(desc, all);
}

template <class Pick>
std::vector<Doubles> RnnProblem::of_runs(const reference::StackReference& stack, Pick pick) {
  std::vector<Doubles> numbers;
  for (const reference::StackRun& run : stack.runs) numbers.push_back(pick(run));
  return numbers;
}

/// A weight of one run, or of all.
TestTensor RnnProblem::weight(std::size_t run, TensorDesc one, const std::vector<Doubles>& numbers) const {
  const bool transposed = layout_.weights == WeightsLayout::goi || layout_.weights == WeightsLayout::ldgoi;
  const i64 directions = primitive_.plan().directions();
  if (is_whole()) {
    const i64 layers = desc_.layers;
    const TensorDesc all = one.rank() == 3
                               ? TensorDesc({layers, directions, one.dim(0), one.dim(1), one.dim(2)},
                                            transposed ? FormatTag::ldgoi : FormatTag::ldigo)
                               : TensorDesc({layers, directions, one.dim(0), one.dim(1)},
                                            transposed ? FormatTag::ldoi : FormatTag::ldio);
    return numbers.empty() ? TestTensor(all) : TestTensor(all, joined(numbers));
  }
  if (layout_.weights == WeightsLayout::padded) one = padded_weights(one);
  if (transposed && one.rank() == 3) one = TensorDesc({one.dim(0), one.dim(1), one.dim(2)}, FormatTag::goi);
  if (transposed && one.rank() == 2) one = TensorDesc({one.dim(0), one.dim(1)}, FormatTag::oi);
  return numbers.empty() ? TestTensor(one) : TestTensor(one, numbers[run]);
}

std::vector<RnnProblem::WeightTensors> RnnProblem::weights(bool gradients) const {
  using V = reference::Values;
  const auto numbers = [&](Doubles V::*member) {
    return of_runs(expected_, [&](const reference::StackRun& run) {
      return gradients ? run.gradients.*member : run.values.*member;
    });
  };
  const bool more = desc_.cell == CellKind::lbr_gru || desc_.cell == CellKind::lbr_augru;
  const std::vector<Doubles> params = numbers(&V::params);
  std::vector<Doubles> bias = numbers(&V::b);
  for (std::size_t i = 0; more && i < bias.size(); ++i)
    bias[i].insert(bias[i].end(), params[i].begin(), params[i].end());
  std::vector<WeightTensors> all;
  for (std::size_t run = 0; run < (is_whole() ? 1 : bias.size()); ++run) {
    WeightTensors& one = all.emplace_back();
    const i64 layer = i64(run) / primitive_.plan().directions();
    one.layer = weight(run, primitive_.weights_layer_desc(layer), numbers(&V::W));
    if (desc_.cell == CellKind::indrnn) {
      one.iter = weight(run, primitive_.weights_rows_desc(), params);
    } else {
      one.iter = weight(run, primitive_.weights_iter_desc(), numbers(&V::U));
    }
    if (desc_.peephole) one.peephole = weight(run, primitive_.weights_rows_desc(), params);
    if (desc_.cell == CellKind::lstm_layer_norm)
      one.norm = weight(run, primitive_.weights_rows_desc(), params);
    if (desc_.projection > 0)
      one.projection = weight(run, primitive_.weights_projection_desc(), numbers(&V::P));
    if (desc_.tensors.bias) one.bias = weight(run, primitive_.bias_desc(), bias);
  }
  return all;
}

namespace {

template <class Tensors>
std::vector<WeightViews> views_of(const std::vector<Tensors>& tensors) {
  std::vector<WeightViews> views;
  for (const Tensors& t : tensors)
    views.push_back({t.layer.read(),
                     t.iter.read(),
                     t.peephole.read(),
                     t.projection.read(),
                     t.norm.read(),
                     t.bias.read()});
  return views;
}

template <class Tensors>
std::vector<MutableWeightViews> mutable_views_of(std::vector<Tensors>& tensors) {
  std::vector<MutableWeightViews> views;
  for (Tensors& t : tensors)
    views.push_back({t.layer.write(),
                     t.iter.write(),
                     t.peephole.write(),
                     t.projection.write(),
                     t.norm.write(),
                     t.bias.write()});
  return views;
}

template <class Tensors>
std::vector<TestTensor*> all_of(Tensors& t) {
  return {&t.layer, &t.iter, &t.peephole, &t.projection, &t.norm, &t.bias};
}

}  // namespace

RnnProblem::Results RnnProblem::results() const {
  Results results;
  if (outputs_) results.layer = sequence(primitive_.plan().width());
  if (desc_.tensors.dst_iter) results.iter = states(0);
  if (desc_.tensors.dst_iter_c) results.iter_c = states(1);
  if (desc_.tensors.dst_states) results.states = step_states(primitive_.plan().plan(0, 0).width());
  if (desc_.tensors.dst_states_c) results.states_c = step_states(desc_.units);
  return results;
}

void RnnProblem::check(const Target& target, const Execution& execution) {
  const std::vector<WeightTensors> plain = weights(false);
  const std::vector<WeightViews> views = views_of(plain);
  const RnnPrimitive inference(desc_for(Propagation::forward_inference), target);
  const RnnPrimitive training(desc_for(Propagation::forward_training), target);
  RnnDesc overwriting = desc_for(Propagation::backward);
  const RnnPrimitive adding_backward(overwriting, target);
  overwriting.diff_weights_overwrite = true;
  const RnnPrimitive backward(overwriting, target);

  PackedRnnWeights packed(training);
  const bool any = desc_.weights == WeightsFormat::any;
  if (any) packed.pack(views, execution);
  const auto initial = [&](int k) {
    return states(k,
                  of_runs(expected_, [&](const reference::StackRun& run) { return run.values.initial[k]; }));
  };
  const auto outside = [&](int k) {
    return states(k,
                  of_runs(expected_, [&](const reference::StackRun& run) { return run.outside.final[k]; }));
  };
  const TestTensor x = sequence(desc_.input, x_);
  const TestTensor attention = sequence(1, attention_);
  const TestTensor h = initial(0);
  const TestTensor c = desc_.tensors.src_iter_c ? initial(1) : TestTensor();
  const auto arguments = [&](Results& to) {
    ForwardArguments a;
    a.src_layer = x.read();
    if (desc_.tensors.src_iter) a.src_iter = h.read();
    a.src_iter_c = c.read();
    if (!attention_.empty()) a.attention = attention.read();
    a.lengths = lengths_;
    if (any) a.packed_weights = &packed;
    if (!any) a.weights = views;
    a.dst_layer = to.layer.write();
    a.dst_iter = to.iter.write();
    a.dst_iter_c = to.iter_c.write();
    a.dst_states = to.states.write();
    a.dst_states_c = to.states_c.write();
    return a;
  };

  Results inferred = results();
  RnnWorkspace inference_workspace(inference, steps_, batch_);
  inference.execute(arguments(inferred), inference_workspace, execution);
  check_outputs(inferred, inferred_);

  Results trained = results();
  // Every other time in memory that was given; backward then in a workspace of its own over the same.
  const MemoryBytes bytes = RnnWorkspace::bytes(training, steps_, batch_);
  const bool given = desc_.units % 2 == 0 || desc_.tensors.src_iter;
  GivenMemory kept;
  GivenMemory scratch;
  const std::span<std::byte> kept_bytes = kept.take(bytes.kept);
  const std::span<std::byte> scratch_bytes = scratch.take(bytes.scratch);
  const auto make_workspace = [&](const RnnPrimitive& primitive) {
    return given ? RnnWorkspace(primitive, steps_, batch_, kept_bytes, scratch_bytes)
                 : RnnWorkspace(primitive, steps_, batch_);
  };
  RnnWorkspace workspace = make_workspace(training);
  ForwardArguments forward = arguments(trained);
  const auto zones = [&](int k) {
    return step_states(desc_.units, of_runs(expected_, [&](const reference::StackRun& run) {
                         return run.options.zoneout[k];
                       }));
  };
  const TestTensor zoneout = desc_.zoneout > 0 ? zones(0) : TestTensor();
  const TestTensor zoneout_c = desc_.zoneout_c > 0 ? zones(1) : TestTensor();
  forward.zoneout = zoneout.read();
  forward.zoneout_c = zoneout_c.read();
  training.execute(forward, workspace, execution);
  check_outputs(trained, expected_);
  const bool zones_out = desc_.zoneout > 0 || desc_.zoneout_c > 0;
  for (const auto result :
       {&Results::layer, &Results::iter, &Results::iter_c, &Results::states, &Results::states_c})
    EXPECT_TRUE(zones_out || same_bits((trained.*result).memory, (inferred.*result).memory)) << text();

  std::vector<WeightTensors> gradients = weights(true);
  for (WeightTensors& one : gradients) {
    for (TestTensor* tensor : all_of(one)) std::ranges::fill(tensor->memory, -7.0F);
  }
  const std::vector<MutableWeightViews> gradient_views = mutable_views_of(gradients);
  Results back_results;
  back_results.layer = sequence(desc_.input);
  if (desc_.tensors.src_iter) back_results.iter = states(0);
  if (desc_.tensors.src_iter_c) back_results.iter_c = states(1);
  if (!attention_.empty()) back_results.attention = sequence(1);
  const TestTensor dy = outputs_ ? sequence(primitive_.plan().width(), dy_) : TestTensor();
  const TestTensor dh = desc_.tensors.dst_iter ? outside(0) : TestTensor();
  const TestTensor dc = desc_.tensors.dst_iter_c ? outside(1) : TestTensor();
  BackwardArguments back;
  back.forward = forward;
  back.diff_dst_layer = dy.read();
  back.diff_dst_iter = dh.read();
  back.diff_dst_iter_c = dc.read();
  const auto width = primitive_.plan().plan(0, 0).width();
  const TestTensor d_states =
      desc_.tensors.dst_states
          ? step_states(width,
                        of_runs(expected_, [](const reference::StackRun& run) { return run.outside.y; }))
          : TestTensor();
  const TestTensor d_states_c =
      desc_.tensors.dst_states_c
          ? step_states(
                desc_.units,
                of_runs(expected_, [](const reference::StackRun& run) { return run.outside.states[1]; }))
          : TestTensor();
  back.diff_dst_states = d_states.read();
  back.diff_dst_states_c = d_states_c.read();
  back.diff_src_layer = back_results.layer.write();
  back.diff_src_iter = back_results.iter.write();
  back.diff_src_iter_c = back_results.iter_c.write();
  back.diff_attention = back_results.attention.write();
  back.diff_weights = gradient_views;
  if (given) {
    scratch.fill();
    RnnWorkspace other = make_workspace(backward);
    backward.execute(back, other, execution);
  } else {
    backward.execute(back, workspace, execution);
  }
  check_gradients(back_results, gradients);

  // Once more, added to what is there: exactly twice as much.
  const std::vector<WeightTensors> once = gradients;
  training.execute(forward, workspace, execution);
  adding_backward.execute(back, workspace, execution);
  for (std::size_t run = 0; run < once.size(); ++run) {
    WeightTensors doubled = once[run];
    for (TestTensor* tensor : all_of(doubled)) {
      const std::vector<float> before = tensor->memory;
      TestTensor twice(tensor->desc);
      std::vector<double> numbers;
      for (const float value : tensor->logical()) numbers.push_back(2.0 * value);
      if (tensor->desc.rank() > 0) tensor->memory = TestTensor(tensor->desc, numbers).memory;
    }
    for (std::size_t i = 0; i < all_of(doubled).size(); ++i)
      EXPECT_TRUE(same_bits(all_of(doubled)[i]->memory, all_of(gradients[run])[i]->memory)) << i << text();
  }
}

void RnnProblem::check_outputs(const Results& results, const reference::StackReference& expected) const {
  const auto check = [&](const char* what, const TestTensor& actual, const Doubles& numbers) {
    if (actual.desc.rank() == 0) return;
    const Difference d = compare(actual.logical(), numbers);
    EXPECT_LE(d.error, double(desc_.layers) * output_tolerance(int(desc_.units), d.largest))
        << what << text();
  };
  const i64 width = primitive_.plan().plan(0, 0).width();
  check("dst_layer", results.layer, exchanged(expected.y, batch_, steps_, primitive_.plan().width()));
  const auto final = [&](int k) {
    return joined(of_runs(expected, [&](const reference::StackRun& run) { return run.expected.final[k]; }));
  };
  check("dst_iter", results.iter, final(0));
  check("dst_iter_c", results.iter_c, final(1));
  check("dst_states", results.states, joined(of_runs(expected, [&](const reference::StackRun& run) {
          return exchanged(run.expected.y, batch_, steps_, width);
        })));
  check("dst_states_c", results.states_c, joined(of_runs(expected, [&](const reference::StackRun& run) {
          return exchanged(run.expected.states[1], batch_, steps_, desc_.units);
        })));
}

/// As for one recurrence, 1e-5 of the largest value, for each layer.
void RnnProblem::check_gradient(const char* what, const TestTensor& actual, const Doubles& expected) const {
  if (actual.desc.rank() == 0) return;
  const Difference d = compare(actual.logical(), expected);
  EXPECT_LE(d.error, double(desc_.layers) * 1e-5 * std::max(d.largest, 1e-6)) << what << text();
}

void RnnProblem::check_gradients(const Results& results,
                                 const std::vector<WeightTensors>& weights_found) const {
  check_gradient("diff_src_layer", results.layer, exchanged(expected_.dx, batch_, steps_, desc_.input));
  check_gradient("diff_attention", results.attention, exchanged(expected_.d_attention, batch_, steps_, 1));
  const auto initial = [&](int k) {
    return joined(
        of_runs(expected_, [&](const reference::StackRun& run) { return run.gradients.initial[k]; }));
  };
  check_gradient("diff_src_iter", results.iter, initial(0));
  check_gradient("diff_src_iter_c", results.iter_c, initial(1));
  std::vector<WeightTensors> expected = weights(true);
  constexpr const char* names[] = {"layer", "iter", "peephole", "projection", "norm", "bias"};
  for (std::size_t run = 0; run < expected.size(); ++run) {
    WeightTensors found = weights_found[run];
    for (std::size_t i = 0; i < std::size(names); ++i) {
      const std::vector<float> numbers = all_of(expected[run])[i]->logical();
      check_gradient(names[i], *all_of(found)[i], {numbers.begin(), numbers.end()});
    }
  }
}

std::string RnnProblem::text() const {
  const OptionalTensors& t = desc_.tensors;
  return std::string(" of ") + name_of(desc_.cell) + " " + name_of(desc_.direction) +
         (desc_.stacking == Stacking::cross_fed ? " cross-fed" : "") + " layers " +
         std::to_string(desc_.layers) + " units " + std::to_string(desc_.units) + " input " +
         std::to_string(desc_.input) + " projection " + std::to_string(desc_.projection) +
         (desc_.peephole ? " peephole" : "") + (t.bias ? " bias" : "") + (t.src_iter ? " src_iter" : "") +
         (t.src_iter_c ? " src_iter_c" : "") + (t.dst_iter ? " dst_iter" : "") +
         (t.dst_iter_c ? " dst_iter_c" : "") + (t.lengths ? " lengths" : "") +
         (t.dst_states ? " dst_states" : "") + (t.dst_states_c ? " dst_states_c" : "") +
         (desc_.zoneout > 0 ? " zoneout" : "") + (desc_.zoneout_c > 0 ? " zoneout_c" : "") +
         (desc_.clip > 0 ? " clip" : "") + (outputs_ ? "" : " final only") +
         (desc_.weights == WeightsFormat::any ? " packed" : " plain") + ", weights layout " +
         std::to_string(int(layout_.weights));
}

}  // namespace recurra::test
