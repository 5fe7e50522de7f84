#include "recurra/layers/rnn_stack_layers.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shortest.h"
#include "recurra/layers/bidirectional.h"
#include "recurra/layers/gru.h"
#include "recurra/layers/lstm.h"
#include "recurra/layers/rnn_stack_weights.h"
#include "recurra/layers/simple_rnn.h"

namespace recurra {

namespace {

/// A native layer with the stack's op, of one direction.
std::unique_ptr<Recurrent> native_layer(RecurrentOp op, RecurrentOptions options, const std::string& name) {
  switch (op) {
    case RecurrentOp::lstm:
      return std::make_unique<Lstm>(LstmOptions{options}, name);
    case RecurrentOp::gru:
      return std::make_unique<Gru>(GruOptions{options}, name);
    case RecurrentOp::rnn_relu:
      options.activation = {ActivationKind::relu};
      break;
    case RecurrentOp::rnn_tanh:
      break;
  }
  return std::make_unique<SimpleRnn>(options, name);
}

/// Layer `index` of a stack as data.
ModelSpec::LayerSpec native_spec(const OptimizedRnnStack& stack, int index) {
  const OptimizedRnnStackOptions& from = stack.options();
  const bool is_top = index + 1 == stack.layout().layers();
  RecurrentOptions options;
  options.units = from.units;
  options.dropout = index > 0 ? from.dropout : 0;
  options.seed = from.seed;
  options.return_sequences = from.return_sequences || !is_top;
  options.zero_output_for_mask = options.return_sequences;
  const std::string name = stack.name() + "_" + std::to_string(index);
  std::unique_ptr<Recurrent> one = native_layer(from.op, options, name);
  one->set_trainable(stack.trainable());
  if (!from.bidirectional) return {one->type(), one->config().dump()};
  const Bidirectional both(std::move(one), MergeMode::concat, name);
  return {both.type(), both.config().dump()};
}

/// One layer of a stack to be.
struct Member {
  const Recurrent* directions[2] = {};
  RecurrentOp op = RecurrentOp::lstm;
  std::vector<const Parameter*> weights;  // of the forward direction, then of the backward one

  [[nodiscard]] bool bidirectional() const { return directions[1] != nullptr; }

  [[nodiscard]] const RecurrentOptions& options() const { return directions[0]->recurrent_options(); }
};

/// Which op a built layer computes; nothing where none.
std::optional<RecurrentOp> op_of(const Recurrent& layer) {
  const Stack::Layer engine = layer.stack_layer();
  for (const RecurrentOp op :
       {RecurrentOp::lstm, RecurrentOp::gru, RecurrentOp::rnn_tanh, RecurrentOp::rnn_relu}) {
    const OpCell cell = cell_of(op);
    if (engine.cell != cell.cell) continue;
    const CellKernels& kernels = find_cell(active_target(), cell.cell);
    std::vector<Activation> expected = cell.activations;
    if (expected.empty())
      expected.assign(kernels.activations, kernels.activations + kernels.activation_count);
    if (engine.activations == expected || engine.activations.empty()) return op;
  }
  return std::nullopt;
}

bool has_rules(const WeightOptions& options) {
  return options.regularizer != nullptr || options.constraint != nullptr;
}

std::string obstacle_of(const Recurrent& layer) {
  const RecurrentOptions& o = layer.recurrent_options();
  if (!op_of(layer)) return "no op of the stack has its equations and activations";
  if (o.recurrent_dropout > 0) return "it has recurrent_dropout " + shortest(o.recurrent_dropout);
  if (o.stateful) return "it is stateful";
  if (o.activity_regularizer != nullptr) return "it has an activity_regularizer";
  if (has_rules(o.kernel) || has_rules(o.recurrent) || has_rules(o.bias))
    return "a weight of its own has a regularizer or constraint";
  return {};
}

/// Both directions must be of one kind.
std::string obstacle_of(const Bidirectional& layer) {
  if (layer.config().at("merge_mode") != "concat") return "its directions are not put side by side";
  const Recurrent& a = layer.forward_layer();
  const Recurrent& b = layer.backward_layer();
  for (const Recurrent* one : {&a, &b}) {
    if (const std::string obstacle = obstacle_of(*one); !obstacle.empty()) return obstacle;
  }
  const RecurrentOptions& first = a.recurrent_options();
  const RecurrentOptions& second = b.recurrent_options();
  if (first.go_backwards) return "its forward layer goes backwards";
  if (op_of(a) != op_of(b) || first.units != second.units || first.dropout != second.dropout ||
      a.trainable() != b.trainable())
    return "its directions differ";
  return {};
}

/// Why a layer can be of no stack; empty where it can.
std::string obstacle_of(Layer& layer) {
  if (layer.parameters().empty()) return "it is not built, or has no weights";
  if (const auto* both = dynamic_cast<const Bidirectional*>(&layer)) return obstacle_of(*both);
  const auto* one = dynamic_cast<const Recurrent*>(&layer);
  if (one == nullptr) return "it is no LSTM, GRU, SimpleRNN or Bidirectional";
  if (one->recurrent_options().go_backwards) return "it goes backwards";
  return obstacle_of(*one);
}

/// A layer without obstacle.
Member member_of(Layer& layer) {
  Member member;
  if (const auto* both = dynamic_cast<const Bidirectional*>(&layer)) {
    member.directions[0] = &both->forward_layer();
    member.directions[1] = &both->backward_layer();
  } else {
    member.directions[0] = dynamic_cast<const Recurrent*>(&layer);
  }
  member.op = *op_of(*member.directions[0]);
  const std::vector<Parameter*> weights = layer.parameters();
  member.weights.assign(weights.begin(), weights.end());
  return member;
}

/// Why one that can be of some stack cannot stand on these.
std::string obstacle_above(std::span<const Member> below, const Member& member) {
  const RecurrentOptions& own = member.options();
  if (below.empty()) return own.dropout > 0 ? "it drops out of the stack's input" : "";
  const RecurrentOptions& other = below.back().options();
  if (!other.return_sequences) return "the layer below gives its last output alone";
  if (below.back().op != member.op) return "it has another op than the layer below";
  if (other.units != own.units) return "it has other units than the layer below";
  if (below.back().bidirectional() != member.bidirectional())
    return "it has other directions than the layer below";
  if (below.back().directions[0]->trainable() != member.directions[0]->trainable())
    return "one of it and the layer below learns, not both";
  if (below.size() > 1 && other.dropout != own.dropout)
    return "it drops out another share than the layer below";
  return {};
}

/// The layers that can be one stack.
struct Members {
  std::vector<Member> members;
  std::string obstacle;  // of the next layer
};

Members members_of(std::span<Layer* const> layers) {
  Members all;
  for (Layer* layer : layers) {
    all.obstacle = obstacle_of(*layer);
    if (!all.obstacle.empty()) break;
    const Member member = member_of(*layer);
    all.obstacle = obstacle_above(all.members, member);
    if (!all.obstacle.empty()) break;
    all.members.push_back(member);
  }
  return all;
}

/// Copies of what a layer's bias and matrices are, in the blob.
void put_member(const BlobLayout& layout, const Member& member, int index, float* blob) {
  const std::span<const Parameter* const> all = member.weights;
  const std::size_t of_one = all.size() / static_cast<std::size_t>(layout.directions());
  for (int d = 0; d < layout.directions(); ++d)
    put_native_weights(layout, all.subspan(static_cast<std::size_t>(d) * of_one, of_one), index, d, blob);
}

}  // namespace

LayersWithWeights split_rnn_stack(OptimizedRnnStack& stack) {
  if (stack.parameters().empty())
    throw Error(ErrorCode::invalid_argument, stack.name(), "a stack that is built", "one that is not");
  if (stack.options().regularizer != nullptr || stack.options().constraint != nullptr) {
    throw Error(ErrorCode::unsupported,
                stack.name(),
                "stacks whose weights have no regularizer and no constraint",
                "one that is about all weights together");
  }
  const BlobLayout& layout = stack.layout();
  const float* blob = stack.parameters()[0]->value.data();
  LayersWithWeights all;
  for (int layer = 0; layer < layout.layers(); ++layer) {
    all.layers.push_back(native_spec(stack, layer));
    for (int direction = 0; direction < layout.directions(); ++direction) {
      for (Tensor& weight : native_weights(layout, blob, layer, direction))
        all.weights.push_back(std::move(weight));
    }
  }
  return all;
}

StackReach stack_reach(std::span<Layer* const> layers) {
  Members all = members_of(layers);
  return {all.members.size(), std::move(all.obstacle)};
}

LayersWithWeights join_rnn_stack(std::span<Layer* const> layers, const std::string& name) {
  if (layers.empty()) throw Error(ErrorCode::invalid_argument, "layers", "at least one", "none");
  const auto [members, obstacle] = members_of(layers);
  if (members.size() < layers.size()) {
    throw Error(ErrorCode::unsupported,
                layers[members.size()]->name(),
                "LSTM, GRU with reset_after and SimpleRNN, in one direction or in both, alike",
                obstacle);
  }
  const RecurrentOptions& top = members.back().options();
  OptimizedRnnStackOptions options;
  options.units = top.units;
  options.layers = static_cast<i64>(members.size());
  options.bidirectional = members[0].bidirectional();
  options.op = members[0].op;
  options.return_sequences = top.return_sequences;
  options.dropout = members.size() > 1 ? top.dropout : 0;
  options.seed = top.seed;
  OptimizedRnnStack stack(options, name);
  stack.set_trainable(layers[0]->trainable());
  LayersWithWeights joined;
  joined.layers.push_back({stack.type(), stack.config().dump()});
  const i64 input = members[0].weights[0]->value.shape()[0];
  const BlobLayout layout({options.op, input, options.units, options.layers, options.bidirectional});
  Tensor& weights = joined.weights.emplace_back(layout.matrix_shape());
  for (std::size_t i = 0; i < members.size(); ++i)
    put_member(layout, members[i], static_cast<int>(i), weights.data());
  return joined;
}

}  // namespace recurra
