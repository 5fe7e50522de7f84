#include "recurra/autograd/product.h"

#include <algorithm>
#include <array>

#include "recurra/autograd/scope.h"
#include "recurra/engine/schedule.h"

namespace recurra::autograd {

namespace {

// Multiply-adds, some 0.1 ms of one thread, below which a second one does not pay: between functions of one
// thread the others go to sleep. A training step of a user's LSTM cell of 64 units, whose products have a
// quarter of this, takes several times as long when two threads share them on a busy machine.
constexpr i64 least_work = 4'000'000;

// Rows of a kernel's call: whole tiles on every target, in a table on the stack.
constexpr i64 piece_rows = 240;

int threads_for(i64 rows, i64 depth, i64 columns) {
  return rows * depth * columns < least_work ? 1 : threads_of(execution());
}

// Calls piece(first row, last row, panels) for the share of each member: of the rows, or where these are few
// of the panels.
template <class Piece>
void for_each_piece(int threads, i64 rows, int panels, const Piece& piece) {
  const bool by_rows = rows >= 8 * threads || rows >= panels;
  team_of(execution()).run(threads, [&](Crew& crew) {
    const i64 first = by_rows ? rows * crew.index() / crew.count() : 0;
    const i64 last = by_rows ? rows * (crew.index() + 1) / crew.count() : rows;
    const Range share = by_rows ? Range{0, panels} : even_share(panels, crew.index(), crew.count());
    if (first < last && share.count() > 0) piece(first, last, share);
  });
}

void add_all(const float* from, float* to, i64 count) {
  for (i64 i = 0; i < count; ++i) to[i] += from[i];
}

// The matrix with its rows side by side.
Tensor straightened(const Matrix& a) {
  Tensor copy = Tensor::recycled({a.rows, a.columns});
  float* to = copy.data();
  for (i64 row = 0; row < a.rows; ++row) {
    for (i64 column = 0; column < a.columns; ++column)
      to[row * a.columns + column] = a.data[column * a.rows + row];
  }
  return copy;
}

void multiply_rows(
    const PackedMatrix& b, const float* a, i64 first, i64 last, const Range& panels, float* c) {
  const Panels& cut = b.panels();
  std::array<const float*, piece_rows> a_rows;
  std::array<float*, piece_rows> c_rows;
  for (i64 start = first; start < last; start += piece_rows) {
    const i64 count = std::min(piece_rows, last - start);
    for (i64 row = 0; row < count; ++row) {
      a_rows[static_cast<std::size_t>(row)] = a + (start + row) * b.depth();
      c_rows[static_cast<std::size_t>(row)] = c + (start + row) * cut.columns;
    }
    ProductArgs p{};
    p.last_row = p.product_rows = static_cast<int>(count);
    plain_panels(cut, b.data(), b.depth(), p);
    p.first_panel = panels.first;
    p.last_panel = panels.last;
    p.a = a_rows.data();
    p.segments = 1;
    p.segment = b.depth();
    p.out = c_rows.data();
    b.target().product(p);
  }
}

// The right operand of a^T b, every row in whole panels.
struct PaddedRows {
  PaddedRows(const Matrix& b, const Panels& panels) : data(b.data), width(b.columns) {
    const i64 padded = i64{panels.count} * panels.width;
    if (padded == width) return;
    memory = Tensor::recycled({b.rows, padded});
    for (i64 row = 0; row < b.rows; ++row) {
      std::copy_n(b.data + row * b.columns, b.columns, memory.data() + row * padded);
      std::fill_n(memory.data() + row * padded + b.columns, padded - b.columns, 0.0F);
    }
    data = memory.data();
    width = padded;
  }

  Tensor memory;
  const float* data;
  i64 width;
};

// a^T b, where `a` (depth, rows) and `b` (depth, columns) lie row by row: a sum of outer products.
void multiply_outer(const float* a, i64 rows, const Matrix& b, float* c, Into into) {
  const Target& kernels = target();
  const Panels panels = cut_panels(checked_size(b.columns, "columns of a product", 1), kernels.width);
  const PaddedRows padded(b, panels);
  Tensor sum = Tensor::recycled({rows, i64{panels.count} * panels.width});
  float* const sums = sum.data();
  for_each_piece(
      threads_for(rows, b.rows, b.columns), rows, panels.count, [&](i64 first, i64 last, const Range& share) {
        std::array<const float*, piece_rows> a_rows;
        std::array<const float*, piece_rows> b_rows;
        for (i64 start = 0; start < b.rows; start += piece_rows) {
          const i64 count = std::min(piece_rows, b.rows - start);
          for (i64 k = 0; k < count; ++k) {
            a_rows[static_cast<std::size_t>(k)] = a + (start + k) * rows;
            b_rows[static_cast<std::size_t>(k)] = padded.data + (start + k) * padded.width;
          }
          GradientArgs p{};
          p.last_k = count;
          p.a = a_rows.data();
          p.first_row = static_cast<int>(first);
          p.last_row = static_cast<int>(last);
          p.g = b_rows.data();
          p.g_panel = panels.width;
          p.vectors = panels.vectors;
          p.first_panel = share.first;
          p.last_panel = share.last;
          p.add = start > 0;
          p.sum = sums;
          p.sum_panel = rows * panels.width;
          if (start + count == b.rows) {
            p.out = c;
            p.out_row = b.columns;
            p.out_panel = panels.width;
            for (int n = 0; n < panels.vectors; ++n) {
              p.out_vector[n] = i64{n} * kernels.width;
              p.out_column[n] = n * kernels.width;
            }
            p.out_columns = static_cast<int>(b.columns);
            p.out_add = into == Into::add;
          }
          kernels.gradient(p);
        }
      });
}

}  // namespace

PackedMatrix::PackedMatrix(const Matrix& matrix, const Target& target)
    : target_(&target),
      panels_(cut_panels(checked_size(matrix.columns, "columns of a product", 1), target.width)),
      depth_(checked_size(matrix.rows, "inner extent of a product", 1)),
      memory_(Tensor::recycled({panels_.count, depth_, panels_.width})) {
  pack(matrix);
}

void PackedMatrix::pack(const Matrix& matrix) noexcept {
  const i64 width = panels_.width;
  for (int panel = 0; panel < panels_.count; ++panel) {
    float* to = memory_.data() + i64{panel} * depth_ * width;
    const i64 first = panel * width;
    const i64 filled = std::min<i64>(width, panels_.columns - first);
    if (!matrix.transposed) {
      for (i64 k = 0; k < depth_; ++k) {
        std::copy_n(matrix.data + k * panels_.columns + first, filled, to + k * width);
        std::fill_n(to + k * width + filled, width - filled, 0.0F);
      }
      continue;
    }
    for (i64 column = 0; column < width; ++column) {
      const float* from = matrix.data + (first + std::min(column, filled - 1)) * depth_;
      for (i64 k = 0; k < depth_; ++k) to[k * width + column] = column < filled ? from[k] : 0.0F;
    }
  }
}

void multiply_matrices(const Matrix& a, const Matrix& b, float* c, Into into) {
  if (a.rows == 0 || b.columns == 0) return;
  if (a.columns == 0) {
    if (into == Into::overwrite) std::fill_n(c, a.rows * b.columns, 0.0F);
    return;
  }
  if (a.transposed && !b.transposed) {
    static_cast<void>(checked_size(a.rows, "rows of a product", 1));
    return multiply_outer(a.data, a.rows, b, c, into);
  }
  multiply_matrices(a, PackedMatrix(b, target()), c, into);
}

void multiply_matrices(const Matrix& a, const PackedMatrix& b, float* c, Into into) {
  if (a.rows == 0) return;
  if (a.transposed) {
    const Tensor straight = straightened(a);
    return multiply_matrices({straight.data(), a.rows, a.columns}, b, c, into);
  }
  Tensor apart;
  if (into == Into::add) apart = Tensor::recycled({a.rows, b.panels().columns});
  float* to = into == Into::add ? apart.data() : c;
  for_each_piece(
      threads_for(a.rows, b.depth(), b.panels().columns),
      a.rows,
      b.panels().count,
      [&](i64 first, i64 last, const Range& panels) { multiply_rows(b, a.data, first, last, panels, to); });
  if (into == Into::add) add_all(to, c, apart.size());
}

}  // namespace recurra::autograd
