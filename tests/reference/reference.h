/// The recurrence over a sequence in double, written from the formulas and sharing nothing with the engine:
/// forward, and gradients by the chain rule over a cell's derivatives.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "recurra/cells/abi.h"
#include "tests/reference/step.h"

namespace recurra::reference {

/// What else a call may have. Steps that do not count leave all states; their output is 0, or with `repeat`
/// the last one before in the order of processing (0 where there is none).
struct Options {
  std::vector<Activation> activations;  // one for each place of the cell
  std::vector<unsigned char> counts;    // (batch, steps); empty: those within the lengths
  bool repeat = false;
  std::vector<double> x_factor, h_factor;  // dropout: (batch, input), (batch, width); empty: none
  /// If not 0: what goes into a step and what comes out, forward and back, is rounded to a float of it times
  /// this. So much is lost by floats alone, whatever the arithmetic between; other factors, other roundings.
  double rounded_as = 0;
  double clip = 0;             // bound of an LSTM's c; 0: none
  double projection_clip = 0;  // bound of the output behind a projection; 0: none
  std::vector<double>
      zoneout[max_states];  // (batch, steps, units): share of the old state in the new; empty: none
};

struct Sizes {
  int batch = 0, steps = 0, input = 0, units = 0, projection = 0;
  bool reverse = false;

  [[nodiscard]] int width() const { return projection > 0 ? projection : units; }
};

/// Everything a call has, in double; gradients have the same form. Sequences are (batch, steps, n).
struct Values {
  std::vector<double> x, y, W, U, b, params, P;
  std::vector<double> attention;           // (batch, steps)
  std::vector<double> states[max_states];  // [k] for k >= 1: (batch, steps, units), filled as y
  std::vector<double> initial[max_states], final[max_states];
};

template <class R>
class Recurrence {
 public:
  using T = Traits<R>;

  Recurrence(Sizes sizes, std::vector<int> lengths, Options options)
      : n_(sizes),
        lengths_(std::move(lengths)),
        options_(std::move(options)),
        step_(options_.activations, options_.clip) {}

  /// y, states and final from x, weights and initial.
  void forward(Values& v) {
    tape_.clear();
    tape_.resize(count(n_.batch, n_.steps));
    v.y.assign(count(n_.batch, n_.steps, n_.width()), 0.0);
    for (int k = 0; k < R::states; ++k) v.final[k] = v.initial[k];
    for (int k = 1; k < R::states; ++k) v.states[k].assign(count(n_.batch, n_.steps, n_.units), 0.0);
    for (int row = 0; row < n_.batch; ++row) {
      int last = -1;  // step processed before that counts
      for (int p = 0; p < n_.steps; ++p) {
        if (counts(row, p)) {
          step(v, row, p);
          last = p;
        } else if (options_.repeat && last >= 0) {
          std::copy_n(v.y.begin() + output(row, last), n_.width(), v.y.begin() + output(row, p));
          for (int k = 1; k < R::states; ++k) {
            const auto first = v.states[k].begin();
            std::copy_n(first + std::ptrdiff_t(at({row, last}, 0)),
                        n_.units,
                        first + std::ptrdiff_t(at({row, p}, 0)));
          }
        }
      }
    }
  }

  /// Gradients of sum(d.y * y) + sum(d.states * states) + sum(d.final * final) by all inputs, into d. After
  /// forward.
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
          dy[std::size_t(j)] += d.y[std::size_t(output(row, p) + j)];
        }
        for (int k = 1; k < R::states && (counted || options_.repeat); ++k) {
          d_states_[k].resize(std::size_t(n_.units));
          for (int u = 0; !d.states[k].empty() && u < n_.units; ++u)
            d_states_[k][std::size_t(u)] += d.states[k][at({row, p}, std::size_t(u))];
        }
        if (!counted) continue;
        step_back(v, d, dy, {row, p});
        dy.assign(dy.size(), 0.0);
        for (auto& gradient : d_states_) gradient.clear();
      }
      for (auto& gradient : d_states_) gradient.clear();
    }
  }

 private:
  /// What one step of one row leaves for the way back.
  struct Record {
    std::vector<double> h_old;        // (width)
    std::vector<double> operand;      // (units), of the second phase
    std::vector<double> unprojected;  // (units)
    Arguments<R> point;
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

  [[nodiscard]] std::ptrdiff_t output(int row, int p) const {
    return std::ptrdiff_t(count(row, n_.steps, n_.width()) + count(time(p), n_.width()));
  }

  /// All numbers of a step as they are, or rounded.
  template <class Numbers>
  void round(Numbers& numbers) const {
    const double factor = options_.rounded_as;
    for (auto& unit : numbers) {
      for (double& x : unit) x = factor == 0 ? x : double(float(x * factor)) / factor;
    }
  }

  /// Place of unit u in what is (batch, steps, units).
  [[nodiscard]] std::size_t at(Place place, std::size_t u) const {
    return count(place.row, n_.steps, n_.units) + count(time(place.p), n_.units) + u;
  }

  /// Place of row k of a weight matrix, at its gate g.
  [[nodiscard]] std::size_t weight(int k, int g) const {
    return count(k, R::gates * n_.units) + count(g, n_.units);
  }

  /// sums (gates, units) += a times the columns of gates first .. last of M.
  void add_product(
      const std::vector<double>& a, const std::vector<double>& M, int first, int last, double* sums) const {
    const std::size_t columns = count(last - first, n_.units);
    sums += count(first, n_.units);
    for (std::size_t k = 0; k < a.size(); ++k) {
      const double* row = M.data() + weight(int(k), first);
      for (std::size_t c = 0; c < columns; ++c) sums[c] += a[k] * row[c];
    }
  }

  /// The way back of add_product: d_M += a times d_sums; gives d_sums times M's transpose.
  std::vector<double> product_back(const std::vector<double>& a,
                                   const std::vector<double>& M,
                                   int first,
                                   int last,
                                   const double* d_sums,
                                   std::vector<double>& d_M) const {
    const std::size_t columns = count(last - first, n_.units);
    d_sums += count(first, n_.units);
    std::vector<double> d_a(a.size(), 0.0);
    for (std::size_t k = 0; k < a.size(); ++k) {
      const double* row = M.data() + weight(int(k), first);
      double* d_row = d_M.data() + weight(int(k), first);
      double sum[4] = {};  // a single one would wait for itself at every column
      for (std::size_t c = 0; c < columns; ++c) {
        sum[c % 4] += d_sums[c] * row[c];
        d_row[c] += d_sums[c] * a[k];
      }
      d_a[k] = sum[0] + sum[1] + sum[2] + sum[3];
    }
    return d_a;
  }

  /// `size` values times the factors of a row's dropout.
  static std::vector<double> dropped(const double* values,
                                     int size,
                                     const std::vector<double>& factors,
                                     int row) {
    std::vector<double> products(values, values + size);
    for (std::size_t k = 0; !factors.empty() && k < products.size(); ++k)
      products[k] *= factors[count(row, size) + k];
    return products;
  }

  /// How much of the old state k stays in the new.
  [[nodiscard]] double kept(std::size_t k, Place place, std::size_t u) const {
    return options_.zoneout[k].empty() ? 0.0 : options_.zoneout[k][at(place, u)];
  }

  void step(Values& v, int row, int p) {
    Record& record = tape_[count(row, n_.steps) + std::size_t(p)];
    double* h = v.final[0].data() + count(row, n_.width());
    record.h_old.assign(h, h + n_.width());
    record.point.resize(std::size_t(n_.units));
    record.operand.assign(std::size_t(n_.units), 0.0);
    record.unprojected.resize(std::size_t(n_.units));
    first_products(v, {row, p}, record);
    if constexpr (T::second < R::gates) second_product(v, row, record);
    round(record.point);
    States<R> states = step_.forward(record.point);
    for (std::size_t u = 0; u < states.size(); ++u) {
      for (std::size_t k = 0; k < R::states; ++k) {
        const double z = kept(k, {row, p}, u);
        states[u][k] = z * record.point[u][T::first_state + k] + (1.0 - z) * states[u][k];
      }
    }
    round(states);
    for (std::size_t u = 0; u < states.size(); ++u) {
      record.unprojected[u] = states[u][0];
      for (std::size_t k = 1; k < R::states; ++k)
        v.final[k][count(row, n_.units) + u] = v.states[k][at({row, p}, u)] = states[u][k];
    }
    double* y = v.y.data() + output(row, p);
    for (int j = 0; j < n_.width(); ++j) {
      double sum = n_.projection > 0 ? 0.0 : record.unprojected[std::size_t(j)];
      for (int u = 0; n_.projection > 0 && u < n_.units; ++u) {
        sum += record.unprojected[std::size_t(u)] * v.P[count(u, n_.projection) + std::size_t(j)];
      }
      const double bound = options_.projection_clip;
      y[j] = h[j] = bound > 0 ? std::clamp(sum, -bound, bound) : sum;
    }
  }

  void first_products(const Values& v, Place place, Record& record) {
    const int row = place.row;
    const int t = time(place.p);
    const double* x = v.x.data() + count(row, n_.steps, n_.input) + count(t, n_.input);
    std::vector<double> sums(count(R::gates, n_.units));
    std::vector<double> recurrent(sums.size(), 0.0);
    add_product(dropped(x, n_.input, options_.x_factor, row), v.W, 0, R::gates, sums.data());
    if (T::dense) {
      const auto h = dropped(record.h_old.data(), n_.width(), options_.h_factor, row);
      add_product(h, v.U, 0, T::second, recurrent.data());
    }
    for (std::size_t u = 0; u < record.point.size(); ++u) {
      auto& in = record.point[u];
      in.fill(0.0);
      for (std::size_t g = 0; g < R::gates; ++g) {
        const std::size_t column = g * record.point.size() + u;
        if (!v.b.empty()) in[T::bias_of(g)] += v.b[column];
        in[T::input_of(g)] += sums[column];
        in[T::recurrent_of(g)] += recurrent[column];
      }
      for (std::size_t p = 0; p < T::params; ++p)
        in[T::first_param + p] = v.params[p * record.point.size() + u];
      if (n_.projection == 0) in[T::first_state] = record.h_old[u];
      for (std::size_t k = 1; k < R::states; ++k)
        in[T::first_state + k] = v.final[k][count(row, n_.units) + u];
      if (T::attention) in[T::attention_at] = v.attention[count(row, n_.steps) + std::size_t(t)];
    }
  }

  /// The product of the second phase, of what the first left.
  void second_product(const Values& v, int row, Record& record) {
    for (std::size_t u = 0; u < record.point.size(); ++u) record.operand[u] = step_.operand(record.point[u]);
    record.operand = dropped(record.operand.data(), n_.units, options_.h_factor, row);
    std::vector<double> sums(count(R::gates, n_.units), 0.0);
    add_product(record.operand, v.U, T::second, R::gates, sums.data());
    for (std::size_t u = 0; u < record.point.size(); ++u) {
      for (std::size_t g = T::second; g < R::gates; ++g)
        record.point[u][g] += sums[g * record.point.size() + u];
    }
  }

  void step_back(const Values& v, Values& d, const std::vector<double>& dy, Place place) {
    const int row = place.row;
    const Record& record = tape_[count(row, n_.steps) + std::size_t(place.p)];
    double* dh = d.initial[0].data() + count(row, n_.width());
    std::vector<double> d_output(dh, dh + n_.width());
    for (int j = 0; j < n_.width(); ++j) d_output[std::size_t(j)] += dy[std::size_t(j)];
    for (int j = 0; j < n_.width(); ++j) {
      dh[j] = 0.0;
      const double y = v.y[std::size_t(output(row, place.p) + j)];
      if (options_.projection_clip > 0 && std::abs(y) >= options_.projection_clip)
        d_output[std::size_t(j)] = 0;
    }

    States<R> d_states(static_cast<std::size_t>(n_.units));
    for (int u = 0; u < n_.units; ++u) {
      auto& d_state = d_states[std::size_t(u)];
      d_state[0] = n_.projection > 0 ? 0.0 : d_output[std::size_t(u)];
      for (int j = 0; n_.projection > 0 && j < n_.width(); ++j) {
        d_state[0] += d_output[std::size_t(j)] * v.P[count(u, n_.projection) + std::size_t(j)];
        d.P[count(u, n_.projection) + std::size_t(j)] +=
            d_output[std::size_t(j)] * record.unprojected[std::size_t(u)];
      }
      for (int k = 1; k < R::states; ++k)
        d_state[std::size_t(k)] =
            d.initial[k][count(row, n_.units) + std::size_t(u)] + d_states_[k][std::size_t(u)];
    }
    round(d_states);
    // What zoneout keeps of the old states goes past the step.
    States<R> d_kept(d_states.size());
    for (std::size_t u = 0; u < d_states.size(); ++u) {
      for (std::size_t k = 0; k < R::states; ++k) {
        const double z = kept(k, place, u);
        d_kept[u][k] = z * d_states[u][k];
        d_states[u][k] *= 1.0 - z;
      }
    }
    Arguments<R> d_in = step_.backward(record.point, d_states);
    for (std::size_t u = 0; u < d_kept.size(); ++u) {
      for (std::size_t k = 0; k < R::states; ++k) d_in[u][T::first_state + k] += d_kept[u][k];
    }
    second_phase_back(v, d, row, record, d_in);
    round(d_in);
    spread(v, d, record, d_in, place);
  }

  /// (gates, units) of what is (units, arguments): of each gate the argument `of` names.
  std::vector<double> gate_gradients(const Arguments<R>& d_in, std::size_t (*of)(std::size_t)) const {
    std::vector<double> d_sums(count(R::gates, n_.units));
    for (std::size_t u = 0; u < d_in.size(); ++u) {
      for (std::size_t g = 0; g < R::gates; ++g) d_sums[g * d_in.size() + u] = d_in[u][of(g)];
    }
    return d_sums;
  }

  /// Through the product of a second phase to what its operand was made of.
  void second_phase_back(const Values& v, Values& d, int row, const Record& record, Arguments<R>& d_in) {
    if constexpr (T::second < R::gates) {
      const std::vector<double> d_sums = gate_gradients(d_in, T::recurrent_of);
      std::vector<double> d_operand =
          product_back(record.operand, v.U, T::second, R::gates, d_sums.data(), d.U);
      d_operand = dropped(d_operand.data(), n_.units, options_.h_factor, row);
      for (std::size_t k = 0; k < d_in.size(); ++k)
        step_.operand_backward(record.point[k], d_operand[k], d_in[k]);
    }
  }

  void spread(const Values& v, Values& d, const Record& record, const Arguments<R>& d_in, Place place) {
    const int row = place.row;
    const std::size_t at = count(row, n_.steps, n_.input) + count(time(place.p), n_.input);
    double* dh = d.initial[0].data() + count(row, n_.width());
    const std::vector<double> d_biases = gate_gradients(d_in, T::bias_of);
    for (std::size_t c = 0; c < d.b.size(); ++c) d.b[c] += d_biases[c];
    const std::vector<double> d_gates = gate_gradients(d_in, T::input_of);
    const auto x = dropped(v.x.data() + at, n_.input, options_.x_factor, row);
    const auto dx = product_back(x, v.W, 0, R::gates, d_gates.data(), d.W);
    const auto dx_dropped = dropped(dx.data(), n_.input, options_.x_factor, row);
    for (std::size_t k = 0; k < dx.size(); ++k) d.x[at + k] += dx_dropped[k];
    if (T::dense) {
      const std::vector<double> d_recurrent = gate_gradients(d_in, T::recurrent_of);
      const auto h = dropped(record.h_old.data(), n_.width(), options_.h_factor, row);
      const auto back = product_back(h, v.U, 0, T::second, d_recurrent.data(), d.U);
      const auto back_dropped = dropped(back.data(), n_.width(), options_.h_factor, row);
      for (std::size_t k = 0; k < back.size(); ++k) dh[k] += back_dropped[k];
    }
    for (std::size_t u = 0; u < d_in.size(); ++u) {
      const auto& to = d_in[u];
      for (std::size_t p = 0; p < T::params; ++p) d.params[p * d_in.size() + u] += to[T::first_param + p];
      if (n_.projection == 0) dh[u] += to[T::first_state];
      for (std::size_t k = 1; k < R::states; ++k)
        d.initial[k][count(row, n_.units) + u] = to[T::first_state + k];
      if (T::attention) d.attention[count(row, n_.steps) + std::size_t(time(place.p))] += to[T::attention_at];
    }
  }

  Sizes n_;
  std::vector<int> lengths_;
  Options options_;
  Step<R> step_;
  std::vector<Record> tape_;
  std::vector<double> d_states_[max_states];  // of one step and its repetitions
};

}  // namespace recurra::reference
