/// The recurrence over a sequence in double, written from the formulas and sharing nothing with the engine:
/// forward, and gradients by the chain rule over a cell's derivatives.
///
/// A reference cell R has name, gates, states and step(a, gate, state), a(k, x) being the activation at place
/// k. Optional: params; `separate`, the gate whose two parts come apart (R::step(a, gate, recurrent, param,
/// state)); `attention`: a number of the step and row, the argument before the state; `second` = first gate
/// of a second phase whose product takes R::operand(a, gate, state); dense = false.
#pragma once

#include <vector>

#include "tests/reference/activation.h"

namespace recurra::reference {

/// What else a call may have. Steps that do not count leave all states; their output is 0, or with `repeat`
/// the last one before in the order of processing (0 where there is none).
struct Options {
  std::vector<Activation> activations;  // one for each place of the cell
  std::vector<unsigned char> counts;    // (batch, steps); empty: those within the lengths
  bool repeat = false;
  std::vector<double> x_factor, h_factor;  // dropout: (batch, input), (batch, width); empty: none
};

struct Sizes {
  int batch = 0, steps = 0, input = 0, units = 0, projection = 0;
  bool reverse = false;

  [[nodiscard]] int width() const { return projection > 0 ? projection : units; }
};

/// Everything a call has, in double; gradients have the same form. Sequences are (batch, steps, n).
struct Values {
  std::vector<double> x, y, W, U, b, params, P;
  std::vector<double> attention;  // (batch, steps)
  std::vector<double> initial[3], final[3];
};

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
};

template <class R>
class Recurrence {
 public:
  using T = Traits<R>;
  static constexpr int inputs = R::gates + 1 + T::params + R::states + 1;  // of the pointwise function
  using D = Dual<inputs>;

  Recurrence(Sizes sizes, std::vector<int> lengths, Options options)
      : n_(sizes), lengths_(std::move(lengths)), options_(std::move(options)) {}

  /// y and final from x, weights and initial.
  void forward(Values& v) {
    tape_.clear();
    tape_.resize(count(n_.batch, n_.steps));
    v.y.assign(count(n_.batch, n_.steps, n_.width()), 0.0);
    for (int k = 0; k < R::states; ++k) v.final[k] = v.initial[k];
    for (int row = 0; row < n_.batch; ++row) {
      int last = -1;  // step processed before that counts
      for (int p = 0; p < n_.steps; ++p) {
        if (counts(row, p)) {
          step(v, row, p);
          last = p;
        } else if (options_.repeat && last >= 0) {
          for (int j = 0; j < n_.width(); ++j)
            v.y[output(row, p) + std::size_t(j)] = v.y[output(row, last) + std::size_t(j)];
        }
      }
    }
  }

  /// Gradients of sum(d.y * y) + sum(d.final * final) by all inputs, into d. After forward.
  void backward(const Values& v, Values& d) {
    d.x.assign(v.x.size(), 0.0);
    d.W.assign(v.W.size(), 0.0);
    d.U.assign(v.U.size(), 0.0);
    d.b.assign(v.b.size(), 0.0);
    d.params.assign(v.params.size(), 0.0);
    d.P.assign(v.P.size(), 0.0);
    d.attention.assign(v.attention.size(), 0.0);
    for (int k = 0; k < R::states; ++k) d.initial[k] = d.final[k];
    for (int row = 0; row < n_.batch; ++row) {
      std::vector<double> dy(std::size_t(n_.width()), 0.0);  // of a step's output and its repetitions
      for (int p = n_.steps - 1; p >= 0; --p) {
        const bool counted = counts(row, p);
        for (int j = 0; !d.y.empty() && (counted || options_.repeat) && j < n_.width(); ++j) {
          dy[std::size_t(j)] += d.y[output(row, p) + std::size_t(j)];
        }
        if (!counted) continue;
        step_back(v, d, dy, {row, p});
        dy.assign(dy.size(), 0.0);
      }
    }
  }

 private:
  /// What one step of one row leaves for the way back.
  struct Record {
    std::vector<double> h_old;                      // (width)
    std::vector<double> operand;                    // (units), of the second phase
    std::vector<double> unprojected;                // (units)
    std::vector<std::array<double, inputs>> point;  // (units) arguments of the pointwise function
  };

  static std::size_t count(int a, int b, int c = 1) {
    return std::size_t(a) * std::size_t(b) * std::size_t(c);
  }

  /// A step in the order of processing.
  struct Place {
    int row, p;
  };

  [[nodiscard]] int time(int p) const { return n_.reverse ? n_.steps - 1 - p : p; }

  [[nodiscard]] bool counts(int row, int p) const {
    if (!lengths_.empty() && time(p) >= lengths_[std::size_t(row)]) return false;
    return options_.counts.empty() || options_.counts[count(row, n_.steps) + std::size_t(time(p))] != 0;
  }

  [[nodiscard]] std::size_t output(int row, int p) const {
    return count(row, n_.steps, n_.width()) + count(time(p), n_.width());
  }

  [[nodiscard]] double x_factor(int row, int k) const {
    return options_.x_factor.empty() ? 1.0 : options_.x_factor[count(row, n_.input) + std::size_t(k)];
  }

  [[nodiscard]] double h_factor(int row, int k) const {
    return options_.h_factor.empty() ? 1.0 : options_.h_factor[count(row, n_.width()) + std::size_t(k)];
  }

  [[nodiscard]] auto activations() const {
    return [this](int k, const auto& x) {
      return activate(options_.activations[std::size_t(k)], x);
    };
  }

  [[nodiscard]] std::size_t weight(int k, int g, int u) const {
    return count(k, R::gates * n_.units) + std::size_t(g * n_.units + u);
  }

  /// The pointwise function: arguments [gates, recurrent part, params, states, attention] -> states.
  template <class N>
  void pointwise(const N* in, N* state) const {
    for (int k = 0; k < R::states; ++k) state[k] = in[R::gates + 1 + T::params + k];
    const N& attention = in[inputs - 1];
    if constexpr (T::split && T::attention) {
      R::step(activations(), in, in[R::gates], in + R::gates + 1, attention, state);
    } else if constexpr (T::split) {
      R::step(activations(), in, in[R::gates], in + R::gates + 1, state);
    } else if constexpr (T::attention) {
      R::step(activations(), in, attention, state);
    } else if constexpr (T::params > 0) {
      R::step(activations(), in, in + R::gates + 1, state);
    } else {
      R::step(activations(), in, state);
    }
  }

  void step(Values& v, int row, int p) {
    Record& record = tape_[count(row, n_.steps) + std::size_t(p)];
    double* h = v.final[0].data() + count(row, n_.width());
    record.h_old.assign(h, h + n_.width());
    record.point.resize(std::size_t(n_.units));
    record.operand.assign(std::size_t(n_.units), 0.0);
    record.unprojected.resize(std::size_t(n_.units));
    for (int u = 0; u < n_.units; ++u) first_products(v, {row, p}, u, record);
    if constexpr (T::second < R::gates) {
      for (int u = 0; u < n_.units; ++u) {
        auto& in = record.point[std::size_t(u)];
        record.operand[std::size_t(u)] =
            R::operand(activations(), in.data(), in.data() + R::gates + 1 + T::params) * h_factor(row, u);
      }
      for (int u = 0; u < n_.units; ++u) {
        for (int g = T::second; g < R::gates; ++g) {
          double& sum = record.point[std::size_t(u)][std::size_t(g)];
          for (int k = 0; k < n_.units; ++k) sum += record.operand[std::size_t(k)] * v.U[weight(k, g, u)];
        }
      }
    }
    for (int u = 0; u < n_.units; ++u) {
      double state[R::states];
      pointwise(record.point[std::size_t(u)].data(), state);
      record.unprojected[std::size_t(u)] = state[0];
      for (int k = 1; k < R::states; ++k) v.final[k][count(row, n_.units) + std::size_t(u)] = state[k];
    }
    double* y = v.y.data() + output(row, p);
    for (int j = 0; j < n_.width(); ++j) {
      double sum = n_.projection > 0 ? 0.0 : record.unprojected[std::size_t(j)];
      for (int u = 0; n_.projection > 0 && u < n_.units; ++u) {
        sum += record.unprojected[std::size_t(u)] * v.P[count(u, n_.projection) + std::size_t(j)];
      }
      y[j] = h[j] = sum;
    }
  }

  void first_products(const Values& v, Place place, int u, Record& record) {
    const int row = place.row;
    const int t = time(place.p);
    const double* x = v.x.data() + count(row, n_.steps, n_.input) + count(t, n_.input);
    auto& in = record.point[std::size_t(u)];
    in.fill(0.0);
    for (int g = 0; g < R::gates; ++g) {
      double& sum = in[std::size_t(g)];
      if (!v.b.empty()) sum = v.b[std::size_t(g * n_.units + u)];
      for (int k = 0; k < n_.input; ++k) sum += x[k] * x_factor(row, k) * v.W[weight(k, g, u)];
      double& recurrent = g == T::separate ? in[R::gates] : sum;
      for (int k = 0; T::dense && g < T::second && k < n_.width(); ++k) {
        recurrent += record.h_old[std::size_t(k)] * h_factor(row, k) * v.U[weight(k, g, u)];
      }
    }
    for (int p = 0; p < T::params; ++p)
      in[std::size_t(R::gates + 1 + p)] = v.params[std::size_t(p * n_.units + u)];
    const std::size_t first = R::gates + 1 + T::params;
    if (n_.projection == 0) in[first] = record.h_old[std::size_t(u)];
    for (int k = 1; k < R::states; ++k)
      in[first + std::size_t(k)] = v.final[k][count(row, n_.units) + std::size_t(u)];
    if (T::attention) in[inputs - 1] = v.attention[count(row, n_.steps) + std::size_t(t)];
  }

  void step_back(const Values& v, Values& d, const std::vector<double>& dy, Place place) {
    const int row = place.row;
    const Record& record = tape_[count(row, n_.steps) + std::size_t(place.p)];
    double* dh = d.initial[0].data() + count(row, n_.width());
    std::vector<double> d_output(dh, dh + n_.width());
    for (int j = 0; j < n_.width(); ++j) d_output[std::size_t(j)] += dy[std::size_t(j)];
    for (int j = 0; j < n_.width(); ++j) dh[j] = 0.0;

    std::vector<std::array<double, inputs>> d_in(static_cast<std::size_t>(n_.units));
    for (int u = 0; u < n_.units; ++u) {
      double d_state[R::states];
      d_state[0] = n_.projection > 0 ? 0.0 : d_output[std::size_t(u)];
      for (int j = 0; n_.projection > 0 && j < n_.width(); ++j) {
        d_state[0] += d_output[std::size_t(j)] * v.P[count(u, n_.projection) + std::size_t(j)];
        d.P[count(u, n_.projection) + std::size_t(j)] +=
            d_output[std::size_t(j)] * record.unprojected[std::size_t(u)];
      }
      for (int k = 1; k < R::states; ++k) d_state[k] = d.initial[k][count(row, n_.units) + std::size_t(u)];
      D in[inputs];
      for (int i = 0; i < inputs; ++i) in[i] = D::input(record.point[std::size_t(u)][std::size_t(i)], i);
      D state[R::states];
      pointwise(in, state);
      auto& to = d_in[std::size_t(u)];
      to.fill(0.0);
      for (int k = 0; k < R::states; ++k) {
        for (std::size_t i = 0; i < inputs; ++i) to[i] += d_state[k] * state[k].by[i];
      }
    }
    second_phase_back(v, d, row, record, d_in);
    spread(v, d, record, d_in, place);
  }

  /// Through the product of a second phase to what its operand was made of.
  void second_phase_back(const Values& v,
                         Values& d,
                         int row,
                         const Record& record,
                         std::vector<std::array<double, inputs>>& d_in) {
    if constexpr (T::second < R::gates) {
      for (int k = 0; k < n_.units; ++k) {
        double d_operand = 0;
        for (int g = T::second; g < R::gates; ++g) {
          for (int u = 0; u < n_.units; ++u) {
            const double d_gate = d_in[std::size_t(u)][std::size_t(g)];
            d_operand += d_gate * v.U[weight(k, g, u)];
            d.U[weight(k, g, u)] += d_gate * record.operand[std::size_t(k)];
          }
        }
        D in[inputs];
        for (int i = 0; i < inputs; ++i) in[i] = D::input(record.point[std::size_t(k)][std::size_t(i)], i);
        d_operand *= h_factor(row, k);
        const D operand = R::operand(activations(), in, in + R::gates + 1 + T::params);
        for (std::size_t i = 0; i < inputs; ++i) d_in[std::size_t(k)][i] += d_operand * operand.by[i];
      }
    }
  }

  void spread(const Values& v,
              Values& d,
              const Record& record,
              const std::vector<std::array<double, inputs>>& d_in,
              Place place) {
    const int row = place.row;
    const std::size_t at = count(row, n_.steps, n_.input) + count(time(place.p), n_.input);
    double* dh = d.initial[0].data() + count(row, n_.width());
    for (int u = 0; u < n_.units; ++u) {
      const auto& to = d_in[std::size_t(u)];
      for (int g = 0; g < R::gates; ++g) {
        const double d_gate = to[std::size_t(g)];
        if (!d.b.empty()) d.b[std::size_t(g * n_.units + u)] += d_gate;
        for (int k = 0; k < n_.input; ++k) {
          d.x[at + std::size_t(k)] += d_gate * v.W[weight(k, g, u)] * x_factor(row, k);
          d.W[weight(k, g, u)] += d_gate * v.x[at + std::size_t(k)] * x_factor(row, k);
        }
        const double d_recurrent = g == T::separate ? to[R::gates] : d_gate;
        for (int k = 0; T::dense && g < T::second && k < n_.width(); ++k) {
          dh[k] += d_recurrent * v.U[weight(k, g, u)] * h_factor(row, k);
          d.U[weight(k, g, u)] += d_recurrent * record.h_old[std::size_t(k)] * h_factor(row, k);
        }
      }
      for (int p = 0; p < T::params; ++p)
        d.params[std::size_t(p * n_.units + u)] += to[std::size_t(R::gates + 1 + p)];
      const std::size_t first = R::gates + 1 + T::params;
      if (n_.projection == 0) dh[u] += to[first];
      for (int k = 1; k < R::states; ++k)
        d.initial[k][count(row, n_.units) + std::size_t(u)] = to[first + std::size_t(k)];
      if (T::attention) d.attention[count(row, n_.steps) + std::size_t(time(place.p))] += to[inputs - 1];
    }
  }

  Sizes n_;
  std::vector<int> lengths_;
  Options options_;
  std::vector<Record> tape_;
};

}  // namespace recurra::reference
