#include "tests/support/rnn_problem.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"

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

reference::StackForm form_of(const RnnDesc& desc) {
  const bool adds = desc.direction == primitive::Direction::bidirectional_sum;
  const bool both = adds || desc.direction == primitive::Direction::bidirectional_concat;
  return {both ? 2 : 1, adds, desc.stacking == Stacking::cross_fed};
}

}  // namespace

RnnProblem::RnnProblem(
    const RnnDesc& desc, i64 steps, i64 batch, const RnnLayout& layout, Random& random, bool outputs)
    : desc_(desc),
      primitive_(desc_for(Propagation::forward_training)),
      steps_(steps),
      batch_(batch),
      layout_(layout),
      outputs_(outputs),
      expected_(form_of(desc), {}, {}) {
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

template <class Pick>
std::vector<Doubles> RnnProblem::of_runs(Pick pick) const {
  std::vector<Doubles> numbers;
  for (const reference::StackRun& run : expected_.runs) numbers.push_back(pick(run));
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
    return of_runs([&](const reference::StackRun& run) {
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
    return states(k, of_runs([&](const reference::StackRun& run) { return run.values.initial[k]; }));
  };
  const auto outside = [&](int k) {
    return states(k, of_runs([&](const reference::StackRun& run) { return run.outside.final[k]; }));
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
    return a;
  };

  Results inferred = results();
  RnnWorkspace inference_workspace(inference, steps_, batch_);
  inference.execute(arguments(inferred), inference_workspace, execution);
  check_outputs(inferred);

  Results trained = results();
  RnnWorkspace workspace(training, steps_, batch_);
  const ForwardArguments forward = arguments(trained);
  training.execute(forward, workspace, execution);
  EXPECT_TRUE(same_bits(trained.layer.memory, inferred.layer.memory)) << text();
  EXPECT_TRUE(same_bits(trained.iter.memory, inferred.iter.memory)) << text();
  EXPECT_TRUE(same_bits(trained.iter_c.memory, inferred.iter_c.memory)) << text();

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
  back.diff_src_layer = back_results.layer.write();
  back.diff_src_iter = back_results.iter.write();
  back.diff_src_iter_c = back_results.iter_c.write();
  back.diff_attention = back_results.attention.write();
  back.diff_weights = gradient_views;
  backward.execute(back, workspace, execution);
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

void RnnProblem::check_outputs(const Results& results) const {
  const auto check = [&](const char* what, const TestTensor& actual, const Doubles& expected) {
    if (actual.desc.rank() == 0) return;
    const Difference d = compare(actual.logical(), expected);
    EXPECT_LE(d.error, double(desc_.layers) * output_tolerance(int(desc_.units), d.largest))
        << what << text();
  };
  check("dst_layer", results.layer, exchanged(expected_.y, batch_, steps_, primitive_.plan().width()));
  const auto final = [&](int k) {
    return joined(of_runs([&](const reference::StackRun& run) { return run.expected.final[k]; }));
  };
  check("dst_iter", results.iter, final(0));
  check("dst_iter_c", results.iter_c, final(1));
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
    return joined(of_runs([&](const reference::StackRun& run) { return run.gradients.initial[k]; }));
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
         (outputs_ ? "" : " final only") + (desc_.weights == WeightsFormat::any ? " packed" : " plain") +
         ", weights layout " + std::to_string(int(layout_.weights));
}

}  // namespace recurra::test
