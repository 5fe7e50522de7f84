#include "tests/reference/stack_reference.h"

#include "recurra/cells/cell_references.h"

namespace recurra::reference {

namespace {

/// Calls f(Recurrence<R>) for the reference R of a run's cell.
template <class F>
void with_recurrence(const StackRun& run, const std::vector<int>& lengths, F f) {
  const auto call = [&]<class R>(R) {
    Options options = run.options;
    if (options.activations.empty())
      options.activations = {std::begin(R::activations), std::end(R::activations)};
    Recurrence<R> recurrence(run.sizes, lengths, options);
    f(recurrence);
  };
#define RECURRA_CELL(folder, Struct) \
  if (run.cell == Struct##Reference::name) call(Struct##Reference{});
#include "recurra/cells/cell_list.inc"
#undef RECURRA_CELL
}

}  // namespace

std::vector<double> StackReference::joined(int layer) {
  const Doubles& first = at(layer, 0).expected.y;
  if (form_.directions == 1) return first;
  const Doubles& second = at(layer, 1).expected.y;
  const auto width = std::size_t(at(layer, 0).sizes.width());
  Doubles both;
  for (std::size_t i = 0; i < first.size(); i += width) {
    if (form_.adds) {
      for (std::size_t j = i; j < i + width; ++j) both.push_back(first[j] + second[j]);
    } else {
      for (std::size_t j = i; j < i + width; ++j) both.push_back(first[j]);
      for (std::size_t j = i; j < i + width; ++j) both.push_back(second[j]);
    }
  }
  return both;
}

/// Of the gradient of what `joined` gives, direction d's.
std::vector<double> StackReference::part(int layer, int d, const Doubles& dy) {
  if (form_.directions == 1 || form_.adds) return dy;
  const auto width = std::size_t(at(layer, 0).sizes.width());
  Doubles one;
  for (std::size_t i = std::size_t(d) * width; i < dy.size(); i += 2 * width)
    one.insert(one.end(), dy.begin() + std::ptrdiff_t(i), dy.begin() + std::ptrdiff_t(i + width));
  return one;
}

void StackReference::forward(const Doubles& x) {
  const auto run = [&](int layer, int d, const Doubles& in) {
    StackRun& r = at(layer, d);
    r.expected = r.values;
    r.expected.x = in;
    with_recurrence(r, lengths_, [&](auto& recurrence) { recurrence.forward(r.expected); });
  };
  if (form_.crosses) {
    Doubles in = x;
    for (int layer = 0; layer < layers(); ++layer) {
      for (int d = 0; d < form_.directions; ++d) run(layer, d, in);
      in = joined(layer);
    }
  } else {
    for (int d = 0; d < form_.directions; ++d) {
      run(0, d, x);
      for (int layer = 1; layer < layers(); ++layer) run(layer, d, Doubles(at(layer - 1, d).expected.y));
    }
  }
  y = joined(layers() - 1);
}

/// The gradient of a run's input.
std::vector<double> StackReference::back(int layer, int d, const Doubles& dy) {
  StackRun& r = at(layer, d);
  r.gradients = r.outside;
  r.gradients.y = dy;
  for (std::size_t i = 0; i < r.outside.y.size(); ++i) r.gradients.y[i] += r.outside.y[i];
  with_recurrence(r, lengths_, [&](auto& recurrence) {
    Values again = r.expected;
    recurrence.forward(again);
    recurrence.backward(again, r.gradients);
  });
  return r.gradients.x;
}

void StackReference::backward(const Doubles& dy) {
  const int top = layers() - 1;
  const auto add = [](Doubles& to, const Doubles& from) {
    to.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
  };
  dx.clear();
  d_attention.clear();
  if (form_.crosses) {
    Doubles of_output = dy;
    for (int layer = top; layer >= 0; --layer) {
      Doubles of_input;
      for (int d = 0; d < form_.directions; ++d) add(of_input, back(layer, d, part(layer, d, of_output)));
      of_output = of_input;
    }
    dx = of_output;
  } else {
    for (int d = 0; d < form_.directions; ++d) {
      Doubles of_output = part(top, d, dy);
      for (int layer = top; layer >= 0; --layer) of_output = back(layer, d, of_output);
      add(dx, of_output);
    }
  }
  for (const StackRun& run : runs) add(d_attention, run.gradients.attention);
}

}  // namespace recurra::reference
