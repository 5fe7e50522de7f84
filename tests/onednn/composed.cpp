#include "tests/onednn/composed.h"

#include <algorithm>

#include "recurra/cells/cell_references.h"
#include "recurra/engine/plan.h"
#include "tests/onednn/columns.h"
#include "tests/support/engine_case.h"

namespace recurra::onednn {

namespace {

using test::EngineCase;
using Doubles = std::vector<double>;

/// (a, b, n) -> (b, a, n).
Doubles swapped(const Doubles& values, i64 a, i64 b, i64 n) {
  Doubles to(values.size());
  for (i64 i = 0; i < a; ++i) {
    for (i64 j = 0; j < b; ++j)
      std::copy_n(values.begin() + (i * b + j) * n, n, to.begin() + (j * a + i) * n);
  }
  return to;
}

/// to += values; an empty one is 0.
void add(Doubles& to, const Doubles& values) {
  to.resize(values.size(), 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) to[i] += values[i];
}

/// What a recurrence gives, in the layouts of reference::Values: y and final, and the gradients of all else.
struct Ran {
  reference::Values values, gradients;
};

template <class R>
Ran run_recurrence_of(const EngineCase& c, bool training) {
  reference::Options options = c.options;
  if (options.activations.empty())
    options.activations = {std::begin(R::activations), std::end(R::activations)};
  reference::Recurrence<R> recurrence(c.sizes, {}, options);
  Ran ran{c.values, c.outside};
  recurrence.forward(ran.values);
  if (training) {
    ran.gradients.b.assign(c.values.b.size(), 0.0);
    recurrence.backward(ran.values, ran.gradients);
  }
  return ran;
}

Ran run_recurrence(const EngineCase& c, bool training) {
#define RECURRA_CELL(folder, Struct)                \
  if (c.cell == reference::Struct##Reference::name) \
    return run_recurrence_of<reference::Struct##Reference>(c, training);
#include "recurra/cells/cell_list.inc"
#undef RECURRA_CELL
  throw std::runtime_error("no reference of " + c.cell);
}

class Composition {
 public:
  Composition(const Problem& problem, const Tensors<float>& inputs) : p_(problem), inputs_(inputs) {
    for (i64 layer = 0; layer < p_.layers; ++layer) {
      for (i64 d = 0; d < p_.directions(); ++d) cases_.push_back(make_case(layer, d));
    }
    ran_.resize(cases_.size());
  }

  Results<double> run(const Tensors<float>& gradients) {
    const bool training = !gradients.empty();
    const Doubles x = swapped(input(Tensor::src_layer), p_.steps, p_.batch, p_.input);
    for (i64 layer = 0; layer < p_.layers; ++layer) {
      for (i64 d = 0; d < p_.directions(); ++d) {
        set_input(layer, d, layer == 0 ? x : ran(layer - 1, d).values.y);
        // The top's way back follows at once.
        if (!training || layer + 1 < p_.layers) ran(layer, d) = run_recurrence(at(layer, d), false);
      }
    }
    if (training) run_back(gradients);
    Results<double> results;
    for (i64 layer = 0; layer < p_.layers; ++layer) {
      for (i64 d = 0; d < p_.directions(); ++d) collect(layer, d, training, results);
    }
    results.outputs[Tensor::dst_layer] = output();
    if (training) {
      results.gradients[Tensor::src_layer] = swapped(dx_, p_.batch, p_.steps, p_.input);
      if (p_.has_attention())
        results.gradients[Tensor::attention] = swapped(d_attention_, p_.batch, p_.steps, 1);
    }
    return results;
  }

 private:
  /// oneDNN allows one step alone to read a state of another width than it gives. The recurrent product is
  /// then part of the input product, of input and state side by side.
  [[nodiscard]] bool is_apart() const { return p_.recurrent != p_.width; }

  [[nodiscard]] std::size_t place(i64 layer, i64 d) const {
    return static_cast<std::size_t>(layer * p_.directions() + d);
  }

  EngineCase& at(i64 layer, i64 d) { return cases_[place(layer, d)]; }

  Ran& ran(i64 layer, i64 d) { return ran_[place(layer, d)]; }

  [[nodiscard]] Doubles input(Tensor tensor) const {
    const std::vector<float>& values = inputs_.at(tensor);
    return {values.begin(), values.end()};
  }

  /// A layer's and direction's part of a tensor; empty where the problem does not have it.
  [[nodiscard]] Doubles part(const Tensors<float>& tensors, Tensor tensor, i64 layer, i64 d) const {
    const auto found = tensors.find(tensor);
    if (found == tensors.end()) return {};
    const auto size = static_cast<std::ptrdiff_t>(found->second.size() / cases_room());
    const auto from = found->second.begin() + size * static_cast<std::ptrdiff_t>(place(layer, d));
    return {from, from + size};
  }

  [[nodiscard]] std::size_t cases_room() const {
    return static_cast<std::size_t>(p_.layers * p_.directions());
  }

  EngineCase make_case(i64 layer, i64 d) {
    EngineCase c;
    const Cell cell = cell_of(p_);
    c.cell = cell.name;
    c.options.activations = cell.activations;
    c.numbers = test::sizes_of(Plan({.cell = cell.name, .input = 1, .units = 1}).cell());
    const bool reverse = p_.direction == "right2left" || d == 1;
    c.sizes = {int(p_.batch), int(p_.steps), int(p_.input), int(p_.units), 0, reverse};
    if (p_.has_projection()) c.sizes.projection = int(p_.width);
    c.initial_given = p_.states;
    c.values.W = part(inputs_, Tensor::weights_layer, layer, d);
    c.values.U = part(inputs_, Tensor::weights_iter, layer, d);
    c.values.b = part(inputs_, Tensor::bias, layer, d);
    c.values.params = part(inputs_, Tensor::weights_peephole, layer, d);
    c.values.P = part(inputs_, Tensor::weights_projection, layer, d);
    if (p_.has_attention()) c.values.attention = swapped(input(Tensor::attention), p_.steps, p_.batch, 1);
    if (p_.resets_after()) {  // its last row is the recurrent bias
      c.values.params.assign(c.values.b.end() - p_.units, c.values.b.end());
      c.values.b.resize(c.values.b.size() - static_cast<std::size_t>(p_.units));
    }
    c.values.initial[0] = part(inputs_, Tensor::src_iter, layer, d);
    c.values.initial[1] = part(inputs_, Tensor::src_iter_c, layer, d);
    if (is_apart()) {
      c.sizes.input += int(p_.recurrent);
      c.values.W = joined(c.values.W, c.values.U);
      c.values.U.assign(static_cast<std::size_t>(p_.width * p_.gates() * p_.units), 0.0);
      c.values.initial[0].clear();
    }
    for (int k = 0; k < c.numbers.states; ++k) {
      const i64 width = k == 0 ? p_.width : p_.units;
      c.values.initial[k].resize(static_cast<std::size_t>(p_.batch * width), 0.0);
      c.outside.final[k].resize(c.values.initial[k].size(), 0.0);
    }
    return c;
  }

  void set_input(i64 layer, i64 d, const Doubles& x) {
    const Doubles h = is_apart() ? part(inputs_, Tensor::src_iter, layer, d) : Doubles();
    at(layer, d).values.x = is_apart() ? side_by_side(x, p_.input, h, p_.recurrent) : x;
  }

  void run_back(const Tensors<float>& gradients) {
    const std::vector<float>& top = gradients.at(Tensor::dst_layer);
    const i64 all = p_.direction == "concat" ? 2 * p_.width : p_.width;
    const Doubles dy = swapped({top.begin(), top.end()}, p_.steps, p_.batch, all);
    for (i64 d = 0; d < p_.directions(); ++d) {
      Doubles below = columns(dy, all, p_.direction == "concat" ? d * p_.width : 0, p_.width);
      for (i64 layer = p_.layers - 1; layer >= 0; --layer) {
        EngineCase& c = at(layer, d);
        c.outside.y = below;
        if (p_.states) c.outside.final[0] = part(gradients, Tensor::dst_iter, layer, d);
        if (p_.states && p_.is_lstm()) c.outside.final[1] = part(gradients, Tensor::dst_iter_c, layer, d);
        ran(layer, d) = run_recurrence(c, true);
        below = columns(ran(layer, d).gradients.x, c.sizes.input, 0, p_.input);
        add(d_attention_, ran(layer, d).gradients.attention);
      }
      add(dx_, below);
    }
  }

  void collect(i64 layer, i64 d, bool training, Results<double>& results) {
    const auto append = [](Tensors<double>& to, Tensor tensor, const Doubles& values) {
      if (!values.empty()) to[tensor].insert(to[tensor].end(), values.begin(), values.end());
    };
    const Ran& r = ran(layer, d);
    if (p_.states) append(results.outputs, Tensor::dst_iter, r.values.final[0]);
    if (p_.states && p_.is_lstm()) append(results.outputs, Tensor::dst_iter_c, r.values.final[1]);
    if (!training) return;
    const i64 own = p_.input * p_.gates() * p_.units;  // of W, where U follows
    Tensors<double>& to = results.gradients;
    append(to, Tensor::weights_layer, {r.gradients.W.begin(), r.gradients.W.begin() + own});
    append(to,
           Tensor::weights_iter,
           is_apart() ? Doubles(r.gradients.W.begin() + own, r.gradients.W.end()) : r.gradients.U);
    append(to, Tensor::bias, r.gradients.b);
    append(to, p_.resets_after() ? Tensor::bias : Tensor::weights_peephole, r.gradients.params);
    append(to, Tensor::weights_projection, r.gradients.P);
    if (p_.states) {
      const i64 wide = at(layer, d).sizes.input;
      append(to,
             Tensor::src_iter,
             is_apart() ? columns(r.gradients.x, wide, p_.input, p_.recurrent) : r.gradients.initial[0]);
    }
    if (p_.states && p_.is_lstm()) append(to, Tensor::src_iter_c, r.gradients.initial[1]);
  }

  [[nodiscard]] Doubles output() {
    Doubles y = ran(p_.layers - 1, 0).values.y;
    if (p_.directions() == 2) {
      const Doubles& other = ran(p_.layers - 1, 1).values.y;
      if (p_.direction == "concat") {
        y = side_by_side(y, p_.width, other, p_.width);
      } else {
        add(y, other);
      }
    }
    return swapped(y, p_.batch, p_.steps, p_.direction == "concat" ? 2 * p_.width : p_.width);
  }

  const Problem& p_;
  const Tensors<float>& inputs_;
  std::vector<EngineCase> cases_;  // [layer][direction]
  std::vector<Ran> ran_;
  Doubles dx_, d_attention_;
};

}  // namespace

Results<double> run_reference(const Problem& problem,
                              const Tensors<float>& inputs,
                              const Tensors<float>& gradients) {
  return Composition(problem, inputs).run(gradients);
}

}  // namespace recurra::onednn
