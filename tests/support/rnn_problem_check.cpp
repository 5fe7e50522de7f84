/// A problem run by the primitive and compared with the reference.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/given_memory.h"
#include "tests/support/rnn_numbers.h"
#include "tests/support/rnn_problem.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Doubles = std::vector<double>;

}  // namespace

RnnProblem::Inputs RnnProblem::inputs() const {
  const auto initial = [&](int k) {
    return states(k,
                  of_runs(expected_, [&](const reference::StackRun& run) { return run.values.initial[k]; }));
  };
  const auto zones = [&](int k) {
    return step_states(desc_.units, of_runs(expected_, [&](const reference::StackRun& run) {
                         return run.options.zoneout[k];
                       }));
  };
  Inputs in;
  in.layer = sequence(desc_.input, x_);
  if (desc_.tensors.src_iter) in.iter = initial(0);
  if (desc_.tensors.src_iter_c) in.iter_c = initial(1);
  if (!attention_.empty()) in.attention = sequence(1, attention_);
  if (desc_.zoneout > 0) in.zoneout = zones(0);
  if (desc_.zoneout_c > 0) in.zoneout_c = zones(1);
  in.weights = weights(false);
  return in;
}

RnnProblem::Results RnnProblem::outside() const {
  const auto final = [&](int k) {
    return states(k,
                  of_runs(expected_, [&](const reference::StackRun& run) { return run.outside.final[k]; }));
  };
  Results out;
  if (outputs_) out.layer = sequence(primitive_.plan().width(), dy_);
  if (desc_.tensors.dst_iter) out.iter = final(0);
  if (desc_.tensors.dst_iter_c) out.iter_c = final(1);
  if (desc_.tensors.dst_states) {
    out.states =
        step_states(primitive_.plan().plan(0, 0).width(),
                    of_runs(expected_, [](const reference::StackRun& run) { return run.outside.y; }));
  }
  if (desc_.tensors.dst_states_c) {
    out.states_c =
        step_states(desc_.units,
                    of_runs(expected_, [](const reference::StackRun& run) { return run.outside.states[1]; }));
  }
  return out;
}

RnnProblem::Results RnnProblem::gradients() const {
  Results out;
  out.layer = sequence(desc_.input);
  if (desc_.tensors.src_iter) out.iter = states(0);
  if (desc_.tensors.src_iter_c) out.iter_c = states(1);
  if (!attention_.empty()) out.attention = sequence(1);
  return out;
}

ForwardArguments RnnProblem::arguments(const Inputs& in,
                                       std::span<const WeightViews> views,
                                       const PackedRnnWeights& packed,
                                       Results& to,
                                       bool training) const {
  ForwardArguments a;
  a.src_layer = in.layer.read();
  a.src_iter = in.iter.read();
  a.src_iter_c = in.iter_c.read();
  a.attention = in.attention.read();
  a.lengths = lengths_;
  if (training) a.zoneout = in.zoneout.read();
  if (training) a.zoneout_c = in.zoneout_c.read();
  if (desc_.weights == WeightsFormat::any) a.packed_weights = &packed;
  if (desc_.weights == WeightsFormat::plain) a.weights = views;
  a.dst_layer = to.layer.write();
  a.dst_iter = to.iter.write();
  a.dst_iter_c = to.iter_c.write();
  a.dst_states = to.states.write();
  a.dst_states_c = to.states_c.write();
  return a;
}

void RnnProblem::check(const Target& target, const Execution& execution) {
  const Inputs in = inputs();
  const std::vector<WeightViews> views = views_of(in.weights);
  PackedRnnWeights packed(RnnPrimitive(desc_for(Propagation::forward_training), target));
  if (desc_.weights == WeightsFormat::any) packed.pack(views, execution);

  const RnnPrimitive inference(desc_for(Propagation::forward_inference), target);
  Results inferred = results();
  RnnWorkspace workspace(inference, steps_, batch_);
  inference.execute(arguments(in, views, packed, inferred, false), workspace, execution);
  check_outputs(inferred, inferred_);
  found_.clear();
  keep(inferred);

  Results trained = results();
  check_training(target, execution, arguments(in, views, packed, trained, true), trained);
  const bool zones_out = desc_.zoneout > 0 || desc_.zoneout_c > 0;
  for (const auto result :
       {&Results::layer, &Results::iter, &Results::iter_c, &Results::states, &Results::states_c})
    EXPECT_TRUE(zones_out || same_bits((trained.*result).memory, (inferred.*result).memory)) << text();
}

void RnnProblem::check_training(const Target& target,
                                const Execution& execution,
                                const ForwardArguments& forward,
                                const Results& trained) {
  const RnnPrimitive training(desc_for(Propagation::forward_training), target);
  RnnDesc overwriting = desc_for(Propagation::backward);
  const RnnPrimitive adding_backward(overwriting, target);
  overwriting.diff_weights_overwrite = true;
  const RnnPrimitive backward(overwriting, target);
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
  training.execute(forward, workspace, execution);
  check_outputs(trained, expected_);
  keep(trained);

  std::vector<WeightTensors> weight_gradients = weights(true);
  for (WeightTensors& one : weight_gradients) {
    for (TestTensor* tensor : all_of(one)) std::ranges::fill(tensor->memory, -7.0F);
  }
  const std::vector<MutableWeightViews> views = mutable_views_of(weight_gradients);
  const Results d = outside();
  Results found = gradients();
  const BackwardArguments back{.forward = forward,
                               .diff_dst_layer = d.layer.read(),
                               .diff_dst_iter = d.iter.read(),
                               .diff_dst_iter_c = d.iter_c.read(),
                               .diff_dst_states = d.states.read(),
                               .diff_dst_states_c = d.states_c.read(),
                               .diff_src_layer = found.layer.write(),
                               .diff_src_iter = found.iter.write(),
                               .diff_src_iter_c = found.iter_c.write(),
                               .diff_attention = found.attention.write(),
                               .diff_weights = views};
  if (given) {
    scratch.fill();
    RnnWorkspace other = make_workspace(backward);
    backward.execute(back, other, execution);
  } else {
    backward.execute(back, workspace, execution);
  }
  check_gradients(found, weight_gradients);
  keep(found);
  for (std::vector<float>& numbers : numbers_of(weight_gradients)) found_.push_back(std::move(numbers));

  const std::vector<WeightTensors> once = weight_gradients;
  training.execute(forward, workspace, execution);
  adding_backward.execute(back, workspace, execution);
  check_doubled(once, weight_gradients);
}

/// Numbers of results, whatever their layout.
void RnnProblem::keep(const Results& results) {
  for (const auto result : {&Results::layer,
                            &Results::iter,
                            &Results::iter_c,
                            &Results::attention,
                            &Results::states,
                            &Results::states_c})
    found_.push_back((results.*result).desc.rank() > 0 ? (results.*result).logical() : std::vector<float>());
}

/// What was added to what was there is exactly twice as much.
void RnnProblem::check_doubled(const std::vector<WeightTensors>& once,
                               std::vector<WeightTensors>& twice) const {
  for (std::size_t run = 0; run < once.size(); ++run) {
    WeightTensors doubled = once[run];
    for (TestTensor* tensor : all_of(doubled)) {
      std::vector<double> numbers;
      for (const float value : tensor->logical()) numbers.push_back(2.0 * value);
      if (tensor->desc.rank() > 0) tensor->memory = TestTensor(tensor->desc, numbers).memory;
    }
    for (std::size_t i = 0; i < all_of(doubled).size(); ++i)
      EXPECT_TRUE(same_bits(all_of(doubled)[i]->memory, all_of(twice[run])[i]->memory)) << i << text();
  }
}

void RnnProblem::check_outputs(const Results& results, const reference::StackReference& expected) const {
  const auto check = [&](const char* what, const TestTensor& actual, const Doubles& numbers) {
    if (actual.desc.rank() == 0) return;
    const Difference d = compare(actual.logical(), numbers);
    EXPECT_LE(d.error, output_tolerance(int(desc_.units), d.largest)) << what << text();
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

/// For one recurrence 1e-5 of the largest value. A gradient in a stack meets every layer once: those below in
/// the values they gave, those above in the gradients that came through them. Each brings an error within its
/// own bound, and they may add up. One bound is not enough for three layers whose rows are normalised, since
/// that divides by the rows' spread; it is for outputs.
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

}  // namespace recurra::test
