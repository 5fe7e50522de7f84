#include "recurra/engine/affine.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/engine/schedule.h"

namespace recurra {

namespace {

// Multiply-adds below which a second thread does not pay; see cost.cpp.
constexpr i64 least_work = 500'000;

}  // namespace

Affine::Affine(i64 inputs, i64 outputs, const Target& target)
    : target_(&target),
      out_panels_(cut_panels(checked_size(outputs, "outputs", 1), target.width)),
      in_panels_(cut_panels(checked_size(inputs, "inputs", 1), target.width)),
      weights_(i64{out_panels_.count} * out_panels_.width * inputs),
      bias_(i64{out_panels_.count} * out_panels_.width),
      transposed_(i64{in_panels_.count} * in_panels_.width * out_panels_.columns) {}

void Affine::pack(const float* W, const float* b) noexcept {
  const int inputs = in_panels_.columns;
  const int outputs = out_panels_.columns;
  for (int k = 0; k < inputs; ++k) {
    for (int j = 0; j < outputs; ++j) {
      const float w = W[i64{k} * outputs + j];
      weights_.data()[(i64{j / out_panels_.width} * inputs + k) * out_panels_.width + j % out_panels_.width] =
          w;
      transposed_
          .data()[(i64{k / in_panels_.width} * outputs + j) * in_panels_.width + k % in_panels_.width] = w;
    }
  }
  if (b != nullptr) {
    std::copy_n(b, outputs, bias_.data());
  } else {
    std::fill_n(bias_.data(), outputs, 0.0F);
  }
}

void Affine::point_rows(i64 rows, const float* x, const float* y) {
  const auto count = static_cast<std::size_t>(rows);
  if (x_rows_.size() < count) {
    x_rows_.resize(count);
    y_rows_.resize(count);
    out_rows_.resize(count);
  }
  for (i64 row = 0; row < rows; ++row) {
    const auto at = static_cast<std::size_t>(row);
    x_rows_[at] = x + row * in_panels_.columns;
    y_rows_[at] = y + row * out_panels_.columns;
  }
}

int Affine::threads_for(i64 rows, const Execution& execution) const {
  const i64 work = rows * in_panels_.columns * out_panels_.columns;
  return work < least_work ? 1
                           : std::min<int>(threads_of(execution), static_cast<int>(std::min<i64>(rows, 64)));
}

void Affine::forward(i64 rows, const float* x, float* y, const Execution& execution) {
  point_rows(rows, x, y);
  for (i64 row = 0; row < rows; ++row)
    out_rows_[static_cast<std::size_t>(row)] = y + row * out_panels_.columns;
  team_of(execution).run(threads_for(rows, execution), [&](Crew& crew) {
    const Range share = even_share(static_cast<int>(rows), crew.index(), crew.count());
    ProductArgs p{};
    p.first_row = share.first;
    p.last_row = p.product_rows = share.last;
    plain_panels(out_panels_, weights_.data(), in_panels_.columns, p);
    p.last_panel = out_panels_.count;
    p.a = x_rows_.data();
    p.segments = 1;
    p.segment = in_panels_.columns;
    p.lead = bias_.data();
    p.lead_panel = out_panels_.width;
    p.lead_vectors = out_panels_.vectors;
    p.out = out_rows_.data();
    if (share.count() > 0) target_->product(p);
  });
}

void Affine::backward(
    i64 rows, const float* x, const float* dy, float* dx, float* dW, float* db, const Execution& execution) {
  point_rows(rows, x, dy);
  const i64 width = i64{out_panels_.count} * out_panels_.width;
  const int outputs = out_panels_.columns;
  const int inputs = in_panels_.columns;
  padded_.grow(rows * width);
  sum_.grow((i64{inputs} + 1) * width);
  for (i64 row = 0; row < rows; ++row) {
    std::copy_n(dy + row * outputs, outputs, padded_.data() + row * width);
    y_rows_[static_cast<std::size_t>(row)] = padded_.data() + row * width;
    out_rows_[static_cast<std::size_t>(row)] = dx + (dx != nullptr ? row * inputs : 0);
  }
  team_of(execution).run(threads_for(rows, execution), [&](Crew& crew) {
    const Range share = even_share(static_cast<int>(rows), crew.index(), crew.count());
    if (dx != nullptr && share.count() > 0) {
      ProductArgs p{};
      p.first_row = share.first;
      p.last_row = p.product_rows = share.last;
      plain_panels(in_panels_, transposed_.data(), outputs, p);
      p.last_panel = in_panels_.count;
      p.a = y_rows_.data();
      p.segments = 1;
      p.segment = outputs;
      p.out = out_rows_.data();
      target_->product(p);
    }
    const auto gradient = [&](const float* const* a, Range sums, int count, float* sum, float* out) {
      GradientArgs p{};
      p.last_k = rows;
      p.a = a;
      p.first_row = sums.first;
      p.last_row = sums.last;
      p.g = y_rows_.data();
      p.g_panel = out_panels_.width;
      p.vectors = out_panels_.vectors;
      p.last_panel = out_panels_.count;
      p.sum = sum;
      p.sum_panel = i64{count} * out_panels_.width;
      target_->gradient(p);
      for (int panel = 0; panel < p.last_panel; ++panel) {
        const int column = panel * out_panels_.width;
        const int filled = std::min(out_panels_.width, outputs - column);
        for (int row = sums.first; row < sums.last; ++row) {
          std::copy_n(sum + panel * p.sum_panel + i64{row} * out_panels_.width,
                      filled,
                      out + i64{row} * outputs + column);
        }
      }
    };
    const Range sums = even_share(inputs, crew.index(), crew.count());
    if (dW != nullptr && sums.count() > 0) gradient(x_rows_.data(), sums, inputs, sum_.data(), dW);
    if (db != nullptr && crew.index() == 0) gradient(nullptr, {0, 1}, 1, sum_.data() + inputs * width, db);
  });
}

}  // namespace recurra
