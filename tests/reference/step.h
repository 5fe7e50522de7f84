/// The step of a cell's reference over all units of a row, with its derivatives.
///
/// A reference cell R has name, gates, states and step(a, gate, state), a(k, x) being the activation at place
/// k, a.limit(c) the clip. Optional: params; `separate`, the gate whose two parts come apart (R::step(a,
/// gate, recurrent, param, state)); `attention`: a number of the step and row, the argument before the state;
/// `second` = first gate of a second phase whose product takes R::operand(a, gate, state); dense = false. A
/// cell whose units depend on each other has by_rows = true and step(a, row), row being a Row below.
#pragma once

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "tests/reference/activation.h"

namespace recurra::reference {

/// The parts a cell may leave out.
template <class R>
struct Traits {
  static constexpr int params = [] {
    if constexpr (requires { R::params; })
      return R::params;
    else
      return 0;
  }();
  static constexpr bool split = requires { R::separate; };  // recurrent part of this gate comes apart
  static constexpr int separate = [] {
    if constexpr (split)
      return R::separate;
    else
      return -1;
  }();
  static constexpr int second = [] {
    if constexpr (requires { R::second; })
      return R::second;
    else
      return R::gates;
  }();
  static constexpr bool attention = requires { R::attention; };
  static constexpr bool dense = [] {
    if constexpr (requires { R::dense; })
      return R::dense;
    else
      return true;
  }();
  static constexpr bool by_rows = requires { R::by_rows; };

  /// Arguments of the step of one unit: its gates, what comes apart from them (the recurrent part of
  /// `separate`; by rows the recurrent parts and the biases of all), params, states, attention.
  static constexpr std::size_t first_param = R::gates + (by_rows ? 2 * R::gates : 1);
  static constexpr std::size_t first_state = first_param + params;
  static constexpr std::size_t attention_at = first_state + R::states;
  static constexpr std::size_t arguments = attention_at + 1;

  /// Which of them gets W x of a gate, which U h, which the bias.
  static std::size_t input_of(std::size_t g) { return g; }

  static std::size_t recurrent_of(std::size_t g) {
    return by_rows ? R::gates + g : int(g) == separate ? R::gates : g;
  }

  static std::size_t bias_of(std::size_t g) { return by_rows ? 2 * R::gates + g : g; }
};

/// (units): arguments of the step, or their gradients.
template <class R, class N = double>
using Arguments = std::vector<std::array<N, Traits<R>::arguments>>;

/// (units): states, or their gradients.
template <class R, class N = double>
using States = std::vector<std::array<N, R::states>>;

/// All units of a row at one step: what goes into them, and their states, old at first, to be made new.
template <class R, class N>
struct Row {
  using T = Traits<R>;
  using Number = N;

  const Arguments<R, N>& in;
  States<R, N>& states;

  [[nodiscard]] std::size_t units() const { return in.size(); }

  [[nodiscard]] const N& input(std::size_t u, std::size_t g) const { return in[u][T::input_of(g)]; }

  [[nodiscard]] const N& recurrent(std::size_t u, std::size_t g) const { return in[u][T::recurrent_of(g)]; }

  [[nodiscard]] const N& bias(std::size_t u, std::size_t g) const { return in[u][T::bias_of(g)]; }

  [[nodiscard]] const N& param(std::size_t u, std::size_t p) const { return in[u][T::first_param + p]; }

  [[nodiscard]] N& state(std::size_t u, std::size_t k) const { return states[u][k]; }
};

template <class R>
class Step {
 public:
  using T = Traits<R>;

  /// `clip`: bound of the state that the cell limits; 0: none.
  explicit Step(std::vector<Activation> activations, double clip = 0)
      : functions_{std::move(activations), clip} {}

  /// What a cell's step is given.
  struct Functions {
    std::vector<Activation> activations;
    double bound;

    template <class X>
    X operator()(int k, const X& x) const {
      return activate(activations[std::size_t(k)], x);
    }

    template <class X>
    X limit(const X& c) const {
      return bound > 0 ? clip(c, -bound, bound) : c;
    }
  };

  [[nodiscard]] const Functions& activations() const { return functions_; }

  /// The new states of all units.
  template <class N>
  States<R, N> forward(const Arguments<R, N>& in) const {
    States<R, N> states(in.size());
    for (std::size_t u = 0; u < in.size(); ++u) {
      std::copy_n(in[u].begin() + T::first_state, R::states, states[u].begin());
      if constexpr (!T::by_rows) pointwise(in[u].data(), states[u].data());
    }
    if constexpr (T::by_rows) R::step(activations(), Row<R, N>{in, states});
    return states;
  }

  /// Gradients of the arguments from those of the new states.
  Arguments<R> backward(const Arguments<R>& in, const States<R>& d_states) const {
    if constexpr (T::by_rows) {
      return row_backward(in, d_states);
    } else {
      Arguments<R> d_in(in.size());
      for (std::size_t u = 0; u < in.size(); ++u) {
        D from[T::arguments];
        for (std::size_t i = 0; i < T::arguments; ++i) from[i] = D::input(in[u][i], int(i));
        D state[R::states];
        for (std::size_t k = 0; k < R::states; ++k) state[k] = from[T::first_state + k];
        pointwise(from, state);
        d_in[u].fill(0.0);
        for (std::size_t k = 0; k < R::states; ++k) {
          for (std::size_t i = 0; i < T::arguments; ++i) d_in[u][i] += d_states[u][k] * state[k].by[i];
        }
      }
      return d_in;
    }
  }

  /// What the first phase hands to the product of the second.
  [[nodiscard]] double operand(const std::array<double, T::arguments>& in) const {
    return R::operand(activations(), in.data(), in.data() + T::first_state);
  }

  /// Adds to d_in what comes back to it.
  void operand_backward(const std::array<double, T::arguments>& in,
                        double d_operand,
                        std::array<double, T::arguments>& d_in) const {
    D from[T::arguments];
    for (std::size_t i = 0; i < T::arguments; ++i) from[i] = D::input(in[i], int(i));
    const D operand = R::operand(activations(), from, from + T::first_state);
    for (std::size_t i = 0; i < T::arguments; ++i) d_in[i] += d_operand * operand.by[i];
  }

 private:
  using D = Dual<int(T::arguments)>;

  /// One unit: arguments and old states -> new states.
  template <class N>
  void pointwise(const N* in, N* state) const {
    const N& attention = in[T::attention_at];
    if constexpr (T::split && T::attention) {
      R::step(activations(), in, in[R::gates], in + T::first_param, attention, state);
    } else if constexpr (T::split) {
      R::step(activations(), in, in[R::gates], in + T::first_param, state);
    } else if constexpr (T::attention) {
      R::step(activations(), in, attention, state);
    } else if constexpr (T::params > 0) {
      R::step(activations(), in, in + T::first_param, state);
    } else {
      R::step(activations(), in, state);
    }
  }

  /// Every unit's states depend on every unit's arguments.
  Arguments<R> row_backward(const Arguments<R>& in, const States<R>& d_states) const {
    Tape tape;
    Arguments<R, Traced> traced(in.size());
    for (std::size_t u = 0; u < in.size(); ++u) {
      for (std::size_t i = 0; i < T::arguments; ++i) traced[u][i] = Traced::input(in[u][i], tape);
    }
    const States<R, Traced> states = forward(traced);
    std::vector<double> gradient(tape.size(), 0.0);
    for (std::size_t u = 0; u < in.size(); ++u) {
      for (std::size_t k = 0; k < R::states; ++k) {
        // What depends on no argument is a constant.
        if (states[u][k].tape != nullptr) gradient[std::size_t(states[u][k].place)] += d_states[u][k];
      }
    }
    gradient = tape.walk_back(std::move(gradient));
    Arguments<R> d_in(in.size());
    for (std::size_t u = 0; u < in.size(); ++u) {
      for (std::size_t i = 0; i < T::arguments; ++i) d_in[u][i] = gradient[std::size_t(traced[u][i].place)];
    }
    return d_in;
  }

  Functions functions_;
};

}  // namespace recurra::reference
