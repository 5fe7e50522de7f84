#include "tests/onednn/ours.h"

#include <algorithm>
#include <cmath>

#include "recurra/base/random.h"
#include "tests/onednn/columns.h"

namespace recurra::onednn {

namespace {

using namespace primitive;

void set_cell(const Problem& p, RnnDesc& desc) {
  const auto vanilla = [&](std::vector<Activation> activations) {
    desc.cell = CellKind::vanilla_rnn;
    desc.activations = std::move(activations);
  };
  desc.peephole = p.has_peephole();
  if (p.has_projection()) desc.projection = p.width;
  if (p.cell == "rnn_tanh") return vanilla({});
  if (p.cell == "rnn_relu") return vanilla({{ActivationKind::relu}});
  if (p.cell == "rnn_logistic") return vanilla({{ActivationKind::sigmoid}});
  const std::string name = p.is_lstm() ? "lstm" : p.cell;
  for (int kind = 0; kind <= static_cast<int>(last_cell_kind); ++kind) {
    desc.cell = static_cast<CellKind>(kind);
    if (name == name_of(desc.cell)) return;
  }
  throw std::runtime_error("no cell of ours for " + p.cell);
}

primitive::Direction direction_of(const Problem& p) {
  using enum primitive::Direction;
  if (p.direction == "left2right") return left2right;
  if (p.direction == "right2left") return right2left;
  if (p.direction == "concat") return bidirectional_concat;
  if (p.direction == "sum") return bidirectional_sum;
  throw std::runtime_error("no direction " + p.direction);
}

RnnDesc with(RnnDesc desc, Propagation propagation) {
  desc.propagation = propagation;
  return desc;
}

bool trains(const RnnPrimitive& primitive) {
  return primitive.desc().propagation == Propagation::forward_training;
}

}  // namespace

RnnDesc desc_of(const Problem& problem, bool training) {
  RnnDesc desc;
  set_cell(problem, desc);
  desc.propagation = training ? Propagation::forward_training : Propagation::forward_inference;
  desc.direction = direction_of(problem);
  desc.layers = problem.layers;
  desc.input = problem.input;
  desc.units = problem.units;
  desc.tensors.src_iter = desc.tensors.dst_iter = problem.states;
  desc.tensors.src_iter_c = desc.tensors.dst_iter_c = problem.states && problem.is_lstm();
  return desc;
}

std::vector<float> OurRnn::Piece::copy() const {
  return std::vector<float>(memory.data(), memory.data() + memory.size());
}

const OurRnn::Piece& OurRnn::Memory::at(Tensor tensor) const {
  switch (tensor) {
    case Tensor::src_layer:
      return src_layer;
    case Tensor::src_iter:
      return src_iter;
    case Tensor::src_iter_c:
      return src_iter_c;
    case Tensor::attention:
      return attention;
    case Tensor::weights_layer:
      return layer;
    case Tensor::weights_iter:
      return iter;
    case Tensor::weights_peephole:
      return peephole;
    case Tensor::weights_projection:
      return projection;
    case Tensor::bias:
      return bias;
    case Tensor::dst_layer:
      return dst_layer;
    case Tensor::dst_iter:
      return dst_iter;
    case Tensor::dst_iter_c:
      return dst_iter_c;
  }
  throw std::runtime_error("no such tensor");
}

/// A weight of one layer and direction as one of all.
OurRnn::Piece OurRnn::whole(const RnnPrimitive& primitive, const TensorDesc& one) {
  const i64 layers = primitive.plan().layers();
  const i64 directions = primitive.plan().directions();
  if (one.rank() == 3)
    return Piece({{layers, directions, one.dim(0), one.dim(1), one.dim(2)}, FormatTag::ldigo});
  return Piece({{layers, directions, one.dim(0), one.dim(1)}, FormatTag::ldgo});
}

OurRnn::Memory OurRnn::make_memory() const {
  const RnnPrimitive& p = forward_;
  const RnnDesc& desc = p.desc();
  Memory m;
  m.src_layer = Piece(p.src_layer_desc(steps_, batch_));
  m.dst_layer = Piece(p.dst_layer_desc(steps_, batch_));
  if (desc.tensors.src_iter) m.src_iter = Piece(p.iter_desc(batch_));
  if (desc.tensors.dst_iter) m.dst_iter = Piece(p.iter_desc(batch_));
  if (desc.tensors.src_iter_c) m.src_iter_c = Piece(p.iter_c_desc(batch_));
  if (desc.tensors.dst_iter_c) m.dst_iter_c = Piece(p.iter_c_desc(batch_));
  if (p.takes_attention()) m.attention = Piece({{steps_, batch_, 1}, FormatTag::tnc});
  const bool diagonal = desc.cell == CellKind::indrnn;
  m.layer = whole(p, p.weights_layer_desc(0));
  m.iter = whole(p, diagonal ? p.weights_rows_desc() : p.weights_iter_desc());
  if (desc.peephole) m.peephole = whole(p, p.weights_rows_desc());
  if (desc.cell == CellKind::lstm_layer_norm) m.norm = whole(p, p.weights_rows_desc());
  if (desc.projection > 0) m.projection = whole(p, p.weights_projection_desc());
  m.bias = whole(p, p.bias_desc());
  return m;
}

MutableWeightViews OurRnn::views(Memory& m) const {
  return {
      m.layer.view(), m.iter.view(), m.peephole.view(), m.projection.view(), m.norm.view(), m.bias.view()};
}

OurRnn::OurRnn(const RnnDesc& desc, i64 steps, i64 batch, const Execution& execution)
    : execution_(execution),
      forward_(desc),
      steps_(steps),
      batch_(batch),
      values_(make_memory()),
      packed_(forward_),
      workspace_(forward_, steps, batch) {
  arguments_ = {.src_layer = values_.src_layer.view(),
                .src_iter = values_.src_iter.view(),
                .src_iter_c = values_.src_iter_c.view(),
                .attention = values_.attention.view(),
                .packed_weights = &packed_,
                .dst_layer = values_.dst_layer.view(),
                .dst_iter = values_.dst_iter.view(),
                .dst_iter_c = values_.dst_iter_c.view()};
  if (!trains(forward_)) return;
  RnnDesc back = with(desc, Propagation::backward);
  backward_.emplace(back);
  back.diff_weights_overwrite = true;
  overwriting_.emplace(back);
  gradients_ = make_memory();
  diff_weights_ = {views(gradients_)};
  back_ = {.forward = arguments_,
           .diff_dst_layer = gradients_.dst_layer.view(),
           .diff_dst_iter = gradients_.dst_iter.view(),
           .diff_dst_iter_c = gradients_.dst_iter_c.view(),
           .diff_src_layer = gradients_.src_layer.view(),
           .diff_src_iter = gradients_.src_iter.view(),
           .diff_src_iter_c = gradients_.src_iter_c.view(),
           .diff_attention = gradients_.attention.view(),
           .diff_weights = diff_weights_};
}

void OurRnn::set(const Tensors<float>& inputs, const Tensors<float>& gradients) {
  for (const Tensor tensor : all_tensors) {
    const std::span<float> values = values_.at(tensor).numbers();
    if (!values.empty() && !is_output(tensor)) std::ranges::copy(inputs.at(tensor), values.begin());
    const std::span<float> outside = gradients_.at(tensor).numbers();
    if (!outside.empty() && is_output(tensor)) std::ranges::copy(gradients.at(tensor), outside.begin());
  }
  pack_and_clear();
}

void OurRnn::set(std::uint64_t seed) {
  Random random(seed);
  const auto draw = [&](Piece& tensor, float low, float high) {
    for (float& value : tensor.numbers()) value = random.uniform(low, high);
  };
  const float limit = 1.0F / std::sqrt(static_cast<float>(forward_.desc().units));
  for (Piece* weight :
       {&values_.layer, &values_.iter, &values_.peephole, &values_.projection, &values_.norm, &values_.bias})
    draw(*weight, -limit, limit);
  draw(values_.attention, 0.0F, 1.0F);
  for (Piece* tensor : {&values_.src_layer,
                        &values_.src_iter,
                        &values_.src_iter_c,
                        &gradients_.dst_layer,
                        &gradients_.dst_iter,
                        &gradients_.dst_iter_c})
    draw(*tensor, -1.0F, 1.0F);
  pack_and_clear();
}

void OurRnn::pack_and_clear() {
  const MutableWeightViews w = views(values_);
  packed_.pack(std::vector{WeightViews{w.layer, w.iter, w.peephole, w.projection, w.norm, w.bias}},
               execution_);
  Memory& g = gradients_;
  for (Piece* weight : {&g.layer, &g.iter, &g.peephole, &g.projection, &g.norm, &g.bias})
    std::ranges::fill(weight->numbers(), 0.0F);
}

void OurRnn::forward() {
  forward_.execute(arguments_, workspace_, execution_);
}

void OurRnn::backward() {
  backward_->execute(back_, workspace_, execution_);
}

void OurRnn::backward_overwriting() {
  overwriting_->execute(back_, workspace_, execution_);
}

Results<float> OurRnn::results() const {
  Results<float> results;
  for (const Tensor tensor : all_tensors) {
    const std::vector<float> values = values_.at(tensor).copy();
    if (values.empty()) continue;
    if (is_output(tensor)) {
      results.outputs[tensor] = values;
    } else if (backward_) {
      results.gradients[tensor] = gradients_.at(tensor).copy();
    }
  }
  return results;
}

OurRnn::Bytes OurRnn::bytes() const {
  const MemoryBytes bytes = RnnWorkspace::bytes(forward_, steps_, batch_);
  return {bytes.kept, bytes.scratch, forward_.weights_desc().size()};
}

namespace {

Results<float> run_once(const Problem& p, const Tensors<float>& inputs, const Tensors<float>& gradients) {
  const bool training = !gradients.empty();
  OurRnn rnn(desc_of(p, training), p.steps, p.batch);
  rnn.set(inputs, gradients);
  rnn.forward();
  if (training) rnn.backward();
  return rnn.results();
}

Tensors<double> doubled(const Tensors<float>& tensors) {
  Tensors<double> to;
  for (const auto& [tensor, values] : tensors) to[tensor] = {values.begin(), values.end()};
  return to;
}

/// One step, left to right, whose state is read with another width than it gives: a call for each layer.
class Apart {
 public:
  Apart(const Problem& problem, const Tensors<float>& inputs) : p_(problem), inputs_(inputs), one_(problem) {
    if (p_.steps != 1 || p_.directions() != 1)
      throw std::runtime_error("a state of another width in several steps or directions");
    one_.layers = 1;
    one_.input = p_.input + p_.recurrent;
    one_.recurrent = p_.width;
  }

  Results<double> run(const Tensors<float>& gradients) const {
    std::vector<Tensors<float>> layers;
    Results<float> results;
    std::vector<float> x = inputs_.at(Tensor::src_layer);
    for (i64 layer = 0; layer < p_.layers; ++layer) {
      layers.push_back(inputs_of(layer, x));
      const Results<float> forward = run_once(one_, layers.back(), {});
      x = forward.outputs.at(Tensor::dst_layer);
      for (const Tensor tensor : {Tensor::dst_iter, Tensor::dst_iter_c}) {
        if (forward.outputs.contains(tensor))
          results.outputs[tensor] = joined(results.outputs[tensor], forward.outputs.at(tensor));
      }
    }
    results.outputs[Tensor::dst_layer] = x;
    if (!gradients.empty()) run_back(layers, gradients, results.gradients);
    return {doubled(results.outputs), doubled(results.gradients)};
  }

 private:
  [[nodiscard]] std::vector<float> part(const Tensors<float>& tensors, Tensor tensor, i64 layer) const {
    const std::vector<float>& all = tensors.at(tensor);
    const auto size = static_cast<i64>(all.size()) / p_.layers;
    return {all.begin() + layer * size, all.begin() + (layer + 1) * size};
  }

  [[nodiscard]] Tensors<float> inputs_of(i64 layer, const std::vector<float>& x) const {
    Tensors<float> to;
    for (const auto& [tensor, values] : inputs_) {
      if (tensor != Tensor::src_layer) to[tensor] = part(inputs_, tensor, layer);
    }
    to[Tensor::src_layer] = side_by_side(x, p_.input, to.at(Tensor::src_iter), p_.recurrent);
    to[Tensor::weights_layer] = joined(to.at(Tensor::weights_layer), to.at(Tensor::weights_iter));
    to[Tensor::src_iter].assign(one_.size(Tensor::src_iter), 0.0F);
    to[Tensor::weights_iter].assign(one_.size(Tensor::weights_iter), 0.0F);
    return to;
  }

  void run_back(const std::vector<Tensors<float>>& layers,
                const Tensors<float>& gradients,
                Tensors<float>& to) const {
    Tensors<float> outside;
    outside[Tensor::dst_layer] = gradients.at(Tensor::dst_layer);
    for (i64 layer = p_.layers - 1; layer >= 0; --layer) {
      for (const Tensor tensor : {Tensor::dst_iter, Tensor::dst_iter_c}) {
        if (gradients.contains(tensor)) outside[tensor] = part(gradients, tensor, layer);
      }
      Tensors<float> back = run_once(one_, layers[static_cast<std::size_t>(layer)], outside).gradients;
      const std::vector<float> W = back.at(Tensor::weights_layer);
      const auto of_x = W.begin() + p_.input * p_.gates() * p_.units;
      back[Tensor::weights_layer] = {W.begin(), of_x};
      back[Tensor::weights_iter] = {of_x, W.end()};
      const std::vector<float> dx = back.at(Tensor::src_layer);
      back[Tensor::src_iter] = columns(dx, one_.input, p_.input, p_.recurrent);
      outside[Tensor::dst_layer] = columns(dx, one_.input, 0, p_.input);
      back.erase(Tensor::src_layer);
      for (const auto& [tensor, values] : back) to[tensor] = joined(values, to[tensor]);
    }
    to[Tensor::src_layer] = outside[Tensor::dst_layer];
  }

  const Problem& p_;
  const Tensors<float>& inputs_;
  Problem one_;
};

}  // namespace

Results<double> run_ours(const Problem& problem,
                         const Tensors<float>& inputs,
                         const Tensors<float>& gradients) {
  if (problem.recurrent != problem.width) return Apart(problem, inputs).run(gradients);
  const Results<float> results = run_once(problem, inputs, gradients);
  return {doubled(results.outputs), doubled(results.gradients)};
}

}  // namespace recurra::onednn
