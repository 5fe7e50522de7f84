#include "recurra/autograd/contraction.h"

#include <algorithm>
#include <deque>

#include "recurra/autograd/node.h"
#include "recurra/autograd/scope.h"

namespace recurra::autograd {

namespace {

// A variable's value packed, for every way in which products have read it.
struct KeptPacks : detail::Kept {
  struct Pack {
    Matrix of;
    PackedMatrix packed;
  };

  std::deque<Pack> packs;
};

bool same_reading(const Matrix& a, const Matrix& b) {
  return a.rows == b.rows && a.columns == b.columns && a.transposed == b.transposed;
}

// `matrix`, which is the whole value of `variable`, packed: kept beside the value for other steps.
const PackedMatrix& packed(const Variable& variable, const Matrix& matrix) {
  std::unique_ptr<detail::Kept>& kept = detail::Access::output(variable).kept;
  if (kept == nullptr) kept = std::make_unique<KeptPacks>();
  std::deque<KeptPacks::Pack>& packs = static_cast<KeptPacks&>(*kept).packs;
  for (const KeptPacks::Pack& pack : packs) {
    if (same_reading(pack.of, matrix) && &pack.packed.target() == &target()) return pack.packed;
  }
  packs.push_back({matrix, PackedMatrix(matrix, target())});
  return packs.back().packed;
}

// a times matrix `item` of b, or of b turned.
void multiply_item(const Matrix& a, const Variable& b, const Matrix& matrix, float* c, Into into) {
  const bool whole = b.value().size() == matrix.rows * matrix.columns;
  if (whole && a.rows > 0 && matrix.rows > 0 && matrix.columns > 0 && !a.transposed) {
    multiply_matrices(a, packed(b, matrix), c, into);
  } else {
    multiply_matrices(a, matrix, c, into);
  }
}

// Rows of several matrices are rows of one where all are multiplied by the same.
void merge_items(Contraction& c) {
  const bool one_b = std::ranges::all_of(c.b_items, [](i64 item) { return item == 0; });
  if (!one_b || c.a_transposed || c.items() < 2) return;
  for (i64 i = 0; i < c.items(); ++i) {
    if (c.a_items[static_cast<std::size_t>(i)] != i) return;
  }
  c.rows *= c.items();
  c.a_items = c.b_items = {0};
}

// dA = dC b^T, as a lies.
void add_to_a(BackwardPass& pass, const Contraction& c, const float* d) {
  const bool alone = c.items() == 1 && pass.input(0).size() == c.rows * c.inner && !pass.has_sum(0);
  float* const sum = alone ? pass.unset_sum(0).data() : pass.sum(0).data();
  const Into into = alone ? Into::overwrite : Into::add;
  const float* const b = pass.input(1).data();
  for (i64 item = 0; item < c.items(); ++item) {
    const Matrix dc{d + item * c.rows * c.columns, c.rows, c.columns};
    float* const to = sum + c.a_items[static_cast<std::size_t>(item)] * c.rows * c.inner;
    if (c.a_transposed) {
      multiply_matrices(c.b(b, item), dc.turned(), to, into);
    } else {
      multiply_item(dc, pass.input_variable(1), c.b(b, item).turned(), to, into);
    }
  }
}

// dB = a^T dC, as b lies.
void add_to_b(BackwardPass& pass, const Contraction& c, const float* d) {
  const bool alone = c.items() == 1 && pass.input(1).size() == c.inner * c.columns && !pass.has_sum(1);
  float* const sum = alone ? pass.unset_sum(1).data() : pass.sum(1).data();
  const Into into = alone ? Into::overwrite : Into::add;
  const float* const a = pass.input(0).data();
  for (i64 item = 0; item < c.items(); ++item) {
    const Matrix dc{d + item * c.rows * c.columns, c.rows, c.columns};
    float* const to = sum + c.b_items[static_cast<std::size_t>(item)] * c.inner * c.columns;
    if (c.b_transposed) {
      multiply_matrices(dc.turned(), c.a(a, item), to, into);
    } else {
      multiply_matrices(c.a(a, item).turned(), dc, to, into);
    }
  }
}

}  // namespace

Variable contract(
    const Called& called, const Variable& a, const Variable& b, Contraction contraction, Shape result) {
  merge_items(contraction);
  const Contraction& c = contraction;
  Tensor y = Tensor::recycled(std::move(result));
  for (i64 item = 0; item < c.items(); ++item) {
    multiply_item(c.a(a.value().data(), item),
                  b,
                  c.b(b.value().data(), item),
                  y.data() + item * c.rows * c.columns,
                  Into::overwrite);
  }
  return called.result({a, b}, std::move(y), [c = std::move(contraction)](BackwardPass& pass) {
    const float* const d = pass.gradient(0)->data();
    if (pass.wants(0)) add_to_a(pass, c, d);
    if (pass.wants(1)) add_to_b(pass, c, d);
  });
}

}  // namespace recurra::autograd
