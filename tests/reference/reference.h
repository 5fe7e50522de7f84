/// The recurrence over a sequence in double, written from the formulas and sharing nothing with the engine:
/// forward, and gradients by the chain rule over a cell's derivatives.
///
/// A reference cell R has name, gates, states and step(gate, state). Optional: params; `separate` leading
/// entries of step's gates that come as two parts (R::step(gate, recurrent, param, state)); `second` = first
/// gate of a second phase whose product takes R::operand(gate, state); dense = false.
#pragma once

#include <vector>

#include "tests/reference/dual.h"

namespace recurra::reference {

struct Sizes {
  int batch = 0, steps = 0, input = 0, units = 0, projection = 0;
  bool reverse = false;

  [[nodiscard]] int width() const { return projection > 0 ? projection : units; }
};

/// Everything a call has, in double; gradients have the same form. Sequences are (batch, steps, n).
struct Values {
  std::vector<double> x, y, W, U, b, params, P;
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
  static constexpr int inputs = R::gates + 1 + T::params + R::states;  // of the pointwise function
  using D = Dual<inputs>;

  Recurrence(Sizes sizes, std::vector<int> lengths) : n_(sizes), lengths_(std::move(lengths)) {}

  /// y and final from x, weights and initial.
  void forward(Values& v) {
    tape_.clear();
    tape_.resize(count(n_.batch, n_.steps));
    v.y.assign(count(n_.batch, n_.steps, n_.width()), 0.0);
    for (int k = 0; k < R::states; ++k) v.final[k] = v.initial[k];
    for (int row = 0; row < n_.batch; ++row) {
      for (int t = 0; t < length(row); ++t) step(v, row, t);
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
    for (int k = 0; k < R::states; ++k) d.initial[k] = d.final[k];
    for (int row = 0; row < n_.batch; ++row) {
      for (int t = length(row) - 1; t >= 0; --t) step_back(v, d, row, t);
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

  [[nodiscard]] int length(int row) const { return lengths_.empty() ? n_.steps : lengths_[std::size_t(row)]; }

  [[nodiscard]] int time(int row, int t) const { return n_.reverse ? length(row) - 1 - t : t; }

  [[nodiscard]] std::size_t weight(int k, int g, int u) const {
    return count(k, R::gates * n_.units) + std::size_t(g * n_.units + u);
  }

  /// The pointwise function: arguments [gates, recurrent part, params, states] -> states.
  template <class N>
  static void pointwise(const N* in, N* state) {
    for (int k = 0; k < R::states; ++k) state[k] = in[R::gates + 1 + T::params + k];
    if constexpr (T::split) {
      R::step(in, in[R::gates], in + R::gates + 1, state);
    } else if constexpr (T::params > 0) {
      R::step(in, in + R::gates + 1, state);
    } else {
      R::step(in, state);
    }
  }

  void step(Values& v, int row, int t) {
    Record& record = tape_[count(row, n_.steps) + std::size_t(t)];
    double* h = v.final[0].data() + count(row, n_.width());
    record.h_old.assign(h, h + n_.width());
    record.point.resize(std::size_t(n_.units));
    record.operand.assign(std::size_t(n_.units), 0.0);
    record.unprojected.resize(std::size_t(n_.units));
    const double* x = v.x.data() + count(row, n_.steps, n_.input) + count(time(row, t), n_.input);
    for (int u = 0; u < n_.units; ++u) first_products(v, x, row, u, record);
    if constexpr (T::second < R::gates) {
      for (int u = 0; u < n_.units; ++u) {
        auto& in = record.point[std::size_t(u)];
        record.operand[std::size_t(u)] = R::operand(in.data(), in.data() + R::gates + 1 + T::params);
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
    double* y = v.y.data() + count(row, n_.steps, n_.width()) + count(time(row, t), n_.width());
    for (int j = 0; j < n_.width(); ++j) {
      double sum = n_.projection > 0 ? 0.0 : record.unprojected[std::size_t(j)];
      for (int u = 0; n_.projection > 0 && u < n_.units; ++u) {
        sum += record.unprojected[std::size_t(u)] * v.P[count(u, n_.projection) + std::size_t(j)];
      }
      y[j] = h[j] = sum;
    }
  }

  void first_products(const Values& v, const double* x, int row, int u, Record& record) {
    auto& in = record.point[std::size_t(u)];
    in.fill(0.0);
    for (int g = 0; g < R::gates; ++g) {
      double& sum = in[std::size_t(g)];
      if (!v.b.empty()) sum = v.b[std::size_t(g * n_.units + u)];
      for (int k = 0; k < n_.input; ++k) sum += x[k] * v.W[weight(k, g, u)];
      double& recurrent = g == T::separate ? in[R::gates] : sum;
      for (int k = 0; T::dense && g < T::second && k < n_.width(); ++k) {
        recurrent += record.h_old[std::size_t(k)] * v.U[weight(k, g, u)];
      }
    }
    for (int p = 0; p < T::params; ++p)
      in[std::size_t(R::gates + 1 + p)] = v.params[std::size_t(p * n_.units + u)];
    const std::size_t first = R::gates + 1 + T::params;
    if (n_.projection == 0) in[first] = record.h_old[std::size_t(u)];
    for (int k = 1; k < R::states; ++k)
      in[first + std::size_t(k)] = v.final[k][count(row, n_.units) + std::size_t(u)];
  }

  void step_back(const Values& v, Values& d, int row, int t) {
    const Record& record = tape_[count(row, n_.steps) + std::size_t(t)];
    const double* dy = d.y.empty()
                           ? nullptr
                           : d.y.data() + count(row, n_.steps, n_.width()) + count(time(row, t), n_.width());
    double* dh = d.initial[0].data() + count(row, n_.width());
    std::vector<double> d_output(dh, dh + n_.width());
    for (int j = 0; dy != nullptr && j < n_.width(); ++j) d_output[std::size_t(j)] += dy[j];
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
    second_phase_back(v, d, record, d_in);
    spread(v, d, record, d_in, row, t);
  }

  /// Through the product of a second phase to what its operand was made of.
  void second_phase_back(const Values& v,
                         Values& d,
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
        const D operand = R::operand(in, in + R::gates + 1 + T::params);
        for (std::size_t i = 0; i < inputs; ++i) d_in[std::size_t(k)][i] += d_operand * operand.by[i];
      }
    }
  }

  void spread(const Values& v,
              Values& d,
              const Record& record,
              const std::vector<std::array<double, inputs>>& d_in,
              int row,
              int t) {
    const std::size_t at = count(row, n_.steps, n_.input) + count(time(row, t), n_.input);
    double* dh = d.initial[0].data() + count(row, n_.width());
    for (int u = 0; u < n_.units; ++u) {
      const auto& to = d_in[std::size_t(u)];
      for (int g = 0; g < R::gates; ++g) {
        const double d_gate = to[std::size_t(g)];
        if (!d.b.empty()) d.b[std::size_t(g * n_.units + u)] += d_gate;
        for (int k = 0; k < n_.input; ++k) {
          d.x[at + std::size_t(k)] += d_gate * v.W[weight(k, g, u)];
          d.W[weight(k, g, u)] += d_gate * v.x[at + std::size_t(k)];
        }
        const double d_recurrent = g == T::separate ? to[R::gates] : d_gate;
        for (int k = 0; T::dense && g < T::second && k < n_.width(); ++k) {
          dh[k] += d_recurrent * v.U[weight(k, g, u)];
          d.U[weight(k, g, u)] += d_recurrent * record.h_old[std::size_t(k)];
        }
      }
      for (int p = 0; p < T::params; ++p)
        d.params[std::size_t(p * n_.units + u)] += to[std::size_t(R::gates + 1 + p)];
      const std::size_t first = R::gates + 1 + T::params;
      if (n_.projection == 0) dh[u] += to[first];
      for (int k = 1; k < R::states; ++k)
        d.initial[k][count(row, n_.units) + std::size_t(u)] = to[first + std::size_t(k)];
    }
  }

  Sizes n_;
  std::vector<int> lengths_;
  std::vector<Record> tape_;
};

}  // namespace recurra::reference
