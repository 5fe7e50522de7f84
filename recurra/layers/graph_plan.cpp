#include "recurra/layers/graph_plan.h"

#include <algorithm>
#include <map>

#include "recurra/base/error.h"

namespace recurra {

namespace {

/// Walks back from the outputs, and orders what it finds as Keras does.
class Walk {
 public:
  Walk(const std::string& name, const std::vector<SymbolicTensor>& inputs) : name_(name), inputs_(inputs) {
    input_places_.resize(inputs.size());
  }

  /// Visits what `tensor` needs and then the call it is from.
  void visit(const SymbolicTensor& tensor) {
    const auto input = std::ranges::find(inputs_, tensor);
    if (input != inputs_.end()) {
      Place& place = input_places_[static_cast<std::size_t>(input - inputs_.begin())];
      if (place.order == 0) place.order = ++visited_;
      return;
    }
    const GraphCall& call = tensor.call();
    if (call.layer == nullptr) {
      throw Error(ErrorCode::invalid_argument,
                  name_ + ".inputs",
                  "all inputs that the outputs need",
                  "none for " + tensor.name());
    }
    if (depths_.contains(&call)) return;
    depths_[&call] = 0;
    Place& place = layer_places_[call.layer.get()];
    if (place.order == 0) {
      place.order = ++visited_;
      layers_.push_back(call.layer);
    }
    for (const SymbolicTensor& needed : call.inputs) visit(needed);
    calls_.push_back(&call);
  }

  /// How many calls lie between each and the outputs at most: all calls of a layer as the farthest.
  void find_depths() {
    for (std::size_t i = calls_.size(); i-- > 0;) {
      Place& place = layer_places_[calls_[i]->layer.get()];
      place.depth = std::max(place.depth, depths_[calls_[i]]);
      depths_[calls_[i]] = place.depth;
      for (const SymbolicTensor& needed : calls_[i]->inputs) {
        std::size_t& depth = depth_of(needed);
        depth = std::max(depth, place.depth + 1);
      }
    }
  }

  void require_all_inputs() const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (std::ranges::count(inputs_, inputs_[i]) > 1)
        throw Error(
            ErrorCode::invalid_argument, name_ + ".inputs", "each input once", inputs_[i].name() + " again");
      if (input_places_[i].order == 0) {
        throw Error(ErrorCode::invalid_argument,
                    name_ + ".inputs",
                    "inputs that reach an output",
                    inputs_[i].name() + ", which reaches none");
      }
    }
    if (calls_.empty())
      throw Error(ErrorCode::invalid_argument, name_ + ".outputs", "outputs of layers", "inputs alone");
  }

  /// Calls, each behind those it needs.
  [[nodiscard]] const std::vector<const GraphCall*>& calls() const noexcept { return calls_; }

  /// In the order of a summary.
  [[nodiscard]] std::vector<std::shared_ptr<SharedLayer>> layers() const {
    std::vector<std::shared_ptr<SharedLayer>> layers = layers_;
    std::ranges::stable_sort(layers, [&](const auto& a, const auto& b) {
      return layer_places_.at(a.get()) < layer_places_.at(b.get());
    });
    return layers;
  }

  [[nodiscard]] std::vector<GraphPlan::Row> rows() const {
    std::vector<std::pair<Place, GraphPlan::Row>> rows;
    for (std::size_t i = 0; i < inputs_.size(); ++i) rows.push_back({input_places_[i], {true, i}});
    const std::vector<std::shared_ptr<SharedLayer>> sorted = layers();
    for (std::size_t i = 0; i < sorted.size(); ++i)
      rows.push_back({layer_places_.at(sorted[i].get()), {false, i}});
    std::ranges::stable_sort(rows, [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<GraphPlan::Row> all;
    for (const auto& [place, row] : rows) all.push_back(row);
    return all;
  }

 private:
  struct Place {
    std::size_t depth = 0;
    std::size_t order = 0;  // of the first visit, from 1; 0: none

    /// Whether it stands before another in a summary.
    bool operator<(const Place& other) const noexcept {
      return depth != other.depth ? depth > other.depth : order < other.order;
    }
  };

  std::size_t& depth_of(const SymbolicTensor& tensor) {
    const auto input = std::ranges::find(inputs_, tensor);
    if (input != inputs_.end()) return input_places_[static_cast<std::size_t>(input - inputs_.begin())].depth;
    return depths_[&tensor.call()];
  }

  const std::string& name_;
  const std::vector<SymbolicTensor>& inputs_;
  std::size_t visited_ = 0;
  std::vector<Place> input_places_;
  std::map<const SharedLayer*, Place> layer_places_;
  std::vector<std::shared_ptr<SharedLayer>> layers_;
  std::map<const GraphCall*, std::size_t> depths_;
  std::vector<const GraphCall*> calls_;
};

/// Numbers of values, from where they come from.
class Values {
 public:
  explicit Values(const std::vector<SymbolicTensor>& inputs) : inputs_(inputs), count_(inputs.size()) {}

  /// The first value of a call that is next in order.
  std::size_t add(const GraphCall& call) {
    first_[&call] = count_;
    count_ += call.outputs.size();
    return first_[&call];
  }

  [[nodiscard]] std::size_t of(const SymbolicTensor& tensor) const {
    const auto input = std::ranges::find(inputs_, tensor);
    if (input != inputs_.end()) return static_cast<std::size_t>(input - inputs_.begin());
    return first_.at(&tensor.call()) + tensor.output();
  }

 private:
  const std::vector<SymbolicTensor>& inputs_;
  std::size_t count_;
  std::map<const GraphCall*, std::size_t> first_;
};

}  // namespace

GraphPlan GraphPlan::chain(const Shape& input,
                           const std::vector<std::shared_ptr<Layer>>& layers,
                           const std::vector<Shape>& shapes) {
  GraphPlan plan;
  plan.inputs.push_back({"input_layer", input});
  plan.layers = layers;
  plan.shapes.push_back(input);
  plan.shapes.insert(plan.shapes.end(), shapes.begin(), shapes.end());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    plan.calls.push_back({i, {i}, i + 1});
    plan.rows.push_back({false, i});
  }
  plan.outputs.push_back(layers.size());
  return plan;
}

GraphPlan GraphPlan::between(const std::string& name,
                             const std::vector<SymbolicTensor>& inputs,
                             const std::vector<SymbolicTensor>& outputs,
                             std::vector<std::shared_ptr<SharedLayer>>& shared) {
  if (outputs.empty()) throw Error(ErrorCode::invalid_argument, name + ".outputs", "at least one", "none");
  Walk walk(name, inputs);
  for (const SymbolicTensor& output : outputs) walk.visit(output);
  walk.require_all_inputs();
  walk.find_depths();
  shared = walk.layers();
  GraphPlan plan;
  plan.rows = walk.rows();
  for (const std::shared_ptr<SharedLayer>& layer : shared) plan.layers.push_back(layer->layer);
  for (const SymbolicTensor& input : inputs) {
    plan.inputs.push_back({input.name(), input.shape(), input.call().input.dtype});
    plan.shapes.push_back(input.shape());
  }
  Values values(inputs);
  std::vector<std::size_t> numbers(shared.size());
  for (const GraphCall* call : walk.calls()) {
    const auto layer = static_cast<std::size_t>(std::ranges::find(shared, call->layer) - shared.begin());
    Call made{layer, {}, values.add(*call), call->outputs.size(), numbers[layer]++};
    for (const SymbolicTensor& needed : call->inputs) made.inputs.push_back(values.of(needed));
    plan.shapes.insert(plan.shapes.end(), call->outputs.begin(), call->outputs.end());
    plan.calls.push_back(std::move(made));
  }
  for (Call& call : plan.calls) call.last = call.number + 1 == numbers[call.layer];
  for (const SymbolicTensor& output : outputs) plan.outputs.push_back(values.of(output));
  return plan;
}

std::size_t GraphPlan::calls_of(std::size_t layer) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(calls, [&](const Call& call) { return call.layer == layer; }));
}

}  // namespace recurra
