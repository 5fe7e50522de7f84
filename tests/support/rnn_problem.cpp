#include "tests/support/rnn_problem.h"

#include <algorithm>
#include <cmath>

#include "tests/support/rnn_numbers.h"

namespace recurra::test {

namespace {

using namespace primitive;
using Doubles = std::vector<double>;

void uniform(Doubles& to, std::size_t size, double limit, Random& random) {
  to.resize(size);
  for (double& value : to) value = random.uniform(-float(limit), float(limit));
}

Doubles normal(std::size_t size, Random& random) {
  Doubles values(size);
  for (double& value : values) value = random.normal();
  return values;
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
