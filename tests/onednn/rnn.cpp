#include "tests/onednn/rnn.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include <dnnl.hpp>

namespace recurra::onednn {

namespace {

using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;
using Tag = memory::format_tag;

/// From a tensor's argument to that of its gradient.
constexpr int gradient_of = DNNL_ARG_DIFF_SRC_0 - DNNL_ARG_SRC_0;

struct Place {
  Tensor tensor;
  int argument;
  Tag plain;
  bool free_format = false;  ///< oneDNN chooses it
};

constexpr Place places[] = {
    {Tensor::src_layer, DNNL_ARG_SRC_LAYER, Tag::tnc},
    {Tensor::src_iter, DNNL_ARG_SRC_ITER, Tag::ldnc},
    {Tensor::src_iter_c, DNNL_ARG_SRC_ITER_C, Tag::ldnc},
    {Tensor::attention, DNNL_ARG_AUGRU_ATTENTION, Tag::tnc},
    {Tensor::weights_layer, DNNL_ARG_WEIGHTS_LAYER, Tag::ldigo, true},
    {Tensor::weights_iter, DNNL_ARG_WEIGHTS_ITER, Tag::ldigo, true},
    {Tensor::weights_peephole, DNNL_ARG_WEIGHTS_PEEPHOLE, Tag::ldgo},
    {Tensor::weights_projection, DNNL_ARG_WEIGHTS_PROJECTION, Tag::ldio, true},
    {Tensor::bias, DNNL_ARG_BIAS, Tag::ldgo},
    {Tensor::dst_layer, DNNL_ARG_DST_LAYER, Tag::tnc},
    {Tensor::dst_iter, DNNL_ARG_DST_ITER, Tag::ldnc},
    {Tensor::dst_iter_c, DNNL_ARG_DST_ITER_C, Tag::ldnc},
};

const dnnl::engine& engine() {
  static const dnnl::engine cpu = [] {
    // Where tiles of AMX are announced but hidden, using them ends the process.
    dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return cpu;
}

memory::desc plain_desc(const Problem& problem, const Place& place) {
  return {problem.shape(place.tensor), memory::data_type::f32, place.plain};
}

/// As the primitive is asked for: absent, plain or in oneDNN's own format.
memory::desc wanted(const Problem& problem, Tensor tensor) {
  const Place& place = places[static_cast<std::size_t>(tensor)];
  const std::vector<i64> shape = problem.shape(tensor);
  if (shape.empty()) return {};
  return {shape, memory::data_type::f32, place.free_format ? Tag::any : place.plain};
}

dnnl::rnn_direction direction_of(const Problem& problem) {
  if (problem.direction == "left2right") return dnnl::rnn_direction::unidirectional_left2right;
  if (problem.direction == "right2left") return dnnl::rnn_direction::unidirectional_right2left;
  if (problem.direction == "concat") return dnnl::rnn_direction::bidirectional_concat;
  if (problem.direction == "sum") return dnnl::rnn_direction::bidirectional_sum;
  throw Refused("no direction " + problem.direction);
}

struct Descriptions {
  dnnl::primitive_desc forward;
  std::optional<dnnl::primitive_desc> backward;
};

/// `tensors` in the order of the primitive's constructor, which is that of their gradients too.
template <class Forward, class Backward, Tensor... tensors, class... Lead>
Descriptions describe(const Problem& problem, bool training, Lead... lead) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto kind = training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const auto direction = direction_of(problem);
  const typename Forward::primitive_desc forward(
      engine(), kind, lead..., direction, wanted(problem, tensors)..., attributes);
  if (!training) return {forward, std::nullopt};
  return {forward,
          typename Backward::primitive_desc(engine(),
                                            dnnl::prop_kind::backward,
                                            lead...,
                                            direction,
                                            wanted(problem, tensors)...,
                                            wanted(problem, tensors)...,
                                            forward,
                                            attributes)};
}

template <class Forward, class Backward, class... Lead>
Descriptions describe_plain(const Problem& problem, bool training, Lead... lead) {
  using enum Tensor;
  return describe<Forward,
                  Backward,
                  src_layer,
                  src_iter,
                  weights_layer,
                  weights_iter,
                  bias,
                  dst_layer,
                  dst_iter>(problem, training, lead...);
}

template <class Forward, class Backward>
Descriptions describe_with_attention(const Problem& problem, bool training) {
  using enum Tensor;
  return describe<Forward,
                  Backward,
                  src_layer,
                  src_iter,
                  attention,
                  weights_layer,
                  weights_iter,
                  bias,
                  dst_layer,
                  dst_iter>(problem, training);
}

Descriptions describe_lstm(const Problem& problem, bool training) {
  using enum Tensor;
  return describe<dnnl::lstm_forward,
                  dnnl::lstm_backward,
                  src_layer,
                  src_iter,
                  src_iter_c,
                  weights_layer,
                  weights_iter,
                  weights_peephole,
                  weights_projection,
                  bias,
                  dst_layer,
                  dst_iter,
                  dst_iter_c>(problem, training);
}

Descriptions describe_cell(const Problem& p, bool training) {
  using namespace dnnl;
  const auto vanilla = [&](algorithm activation) {
    return describe_plain<vanilla_rnn_forward, vanilla_rnn_backward>(p, training, activation);
  };
  if (p.cell == "rnn_tanh") return vanilla(algorithm::eltwise_tanh);
  if (p.cell == "rnn_relu") return vanilla(algorithm::eltwise_relu);
  if (p.cell == "rnn_logistic") return vanilla(algorithm::eltwise_logistic);
  if (p.is_lstm()) return describe_lstm(p, training);
  if (p.cell == "gru") return describe_plain<gru_forward, gru_backward>(p, training);
  if (p.cell == "lbr_gru") return describe_plain<lbr_gru_forward, lbr_gru_backward>(p, training);
  if (p.cell == "augru") return describe_with_attention<augru_forward, augru_backward>(p, training);
  if (p.cell == "lbr_augru")
    return describe_with_attention<lbr_augru_forward, lbr_augru_backward>(p, training);
  throw Refused("no cell " + p.cell);
}

/// Calls what may refuse.
void attempt(const auto& work) {
  try {
    work();
  } catch (const dnnl::error& error) {
    throw Refused(error.message);
  }
}

void execute(const dnnl::primitive& primitive, const Arguments& arguments) {
  attempt([&] {
    dnnl::stream stream(engine());
    primitive.execute(stream, arguments);
    stream.wait();
  });
}

void reorder(memory from, memory to) {
  dnnl::stream stream(engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

void clear(memory& to) {
  std::fill_n(static_cast<char*>(to.get_data_handle()), to.get_desc().get_size(), '\0');
}

}  // namespace

struct Rnn::Primitives {
  Primitives(const Problem& given, bool training)
      : problem(given), descriptions(describe_cell(given, training)), forward(descriptions.forward) {
    forward_arguments = inputs_and_outputs(descriptions.forward, {});
    add(forward_arguments, descriptions.forward, DNNL_ARG_SCRATCHPAD);
    if (!training) return;
    add(forward_arguments, descriptions.forward, DNNL_ARG_WORKSPACE);
    backward = dnnl::primitive(*descriptions.backward);
    backward_arguments = inputs_and_outputs(*descriptions.backward, forward_arguments);
    backward_arguments[DNNL_ARG_WORKSPACE] = forward_arguments[DNNL_ARG_WORKSPACE];
    add(backward_arguments, *descriptions.backward, DNNL_ARG_SCRATCHPAD);
    for (const Place& place : places) {
      if (problem.size(place.tensor) > 0)
        add(backward_arguments, *descriptions.backward, place.argument + gradient_of);
    }
  }

  static void add(Arguments& arguments, const dnnl::primitive_desc& description, int argument) {
    memory& to = arguments[argument] =
        memory(description.query_md(dnnl::query::exec_arg_md, argument), engine());
    clear(to);
  }

  /// A primitive's tensors; where it takes one as `shared` has it, that one.
  [[nodiscard]] Arguments inputs_and_outputs(const dnnl::primitive_desc& description,
                                             const Arguments& shared) const {
    Arguments arguments;
    for (const Place& place : places) {
      if (problem.size(place.tensor) == 0) continue;
      const auto found = shared.find(place.argument);
      if (found != shared.end() &&
          found->second.get_desc() == description.query_md(dnnl::query::exec_arg_md, place.argument)) {
        arguments[place.argument] = found->second;
      } else {
        add(arguments, description, place.argument);
      }
    }
    return arguments;
  }

  void give(Arguments& arguments, const Place& place, int argument, const std::vector<float>& values) const {
    reorder(memory(plain_desc(problem, place), engine(), const_cast<float*>(values.data())),
            arguments.at(argument));
  }

  [[nodiscard]] std::vector<float> take(const Arguments& arguments, const Place& place, int argument) const {
    std::vector<float> values(problem.size(place.tensor));
    reorder(arguments.at(argument), memory(plain_desc(problem, place), engine(), values.data()));
    return values;
  }

  Problem problem;
  Descriptions descriptions;
  dnnl::primitive forward, backward;
  Arguments forward_arguments, backward_arguments;
};

bool is_available() {
  return true;
}

Rnn::Rnn(const Problem& problem, bool training) {
  attempt([&] { primitives_ = std::make_unique<Primitives>(problem, training); });
}

Rnn::~Rnn() = default;

void Rnn::set(const Tensors<float>& inputs, const Tensors<float>& gradients) {
  Primitives& p = *primitives_;
  for (const Place& place : places) {
    if (p.problem.size(place.tensor) == 0) continue;
    if (!is_output(place.tensor)) p.give(p.forward_arguments, place, place.argument, inputs.at(place.tensor));
    if (p.backward_arguments.empty()) continue;
    const int gradient = place.argument + gradient_of;
    if (is_output(place.tensor)) {
      p.give(p.backward_arguments, place, gradient, gradients.at(place.tensor));
    } else {
      p.give(p.backward_arguments, place, place.argument, inputs.at(place.tensor));
      clear(p.backward_arguments.at(gradient));
    }
  }
}

void Rnn::forward() {
  execute(primitives_->forward, primitives_->forward_arguments);
}

void Rnn::backward() {
  execute(primitives_->backward, primitives_->backward_arguments);
}

Results<float> Rnn::results() const {
  const Primitives& p = *primitives_;
  Results<float> results;
  for (const Place& place : places) {
    if (p.problem.size(place.tensor) == 0) continue;
    if (is_output(place.tensor)) {
      results.outputs[place.tensor] = p.take(p.forward_arguments, place, place.argument);
    } else if (!p.backward_arguments.empty()) {
      results.gradients[place.tensor] = p.take(p.backward_arguments, place, place.argument + gradient_of);
    }
  }
  return results;
}

std::string Rnn::implementation() const {
  const Descriptions& d = primitives_->descriptions;
  std::string names = d.forward.impl_info_str();
  if (d.backward) names += std::string(", ") + d.backward->impl_info_str();
  return names;
}

Rnn::Bytes Rnn::bytes() const {
  const Primitives& p = *primitives_;
  const auto size = [](const Arguments& arguments, int argument) {
    const auto found = arguments.find(argument);
    return found == arguments.end() ? i64{0} : static_cast<i64>(found->second.get_desc().get_size());
  };
  Bytes bytes;
  bytes.workspace = size(p.forward_arguments, DNNL_ARG_WORKSPACE);
  bytes.scratch = std::max(size(p.forward_arguments, DNNL_ARG_SCRATCHPAD),
                           size(p.backward_arguments, DNNL_ARG_SCRATCHPAD));
  for (const Place& place : places) {
    if (!place.free_format) continue;
    bytes.weights += size(p.forward_arguments, place.argument);
    const auto back = p.backward_arguments.find(place.argument);
    if (back != p.backward_arguments.end() &&
        back->second.get_data_handle() != p.forward_arguments.at(place.argument).get_data_handle())
      bytes.weights += size(p.backward_arguments, place.argument);
  }
  return bytes;
}

}  // namespace recurra::onednn
