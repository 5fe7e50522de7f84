#include "recurra/autograd/matmul.h"

#include "recurra/autograd/contraction.h"
#include "recurra/autograd/loops.h"

namespace recurra::autograd {

namespace {

// An operand as matrices: its last two axes, those before them, and whether a vector's axis goes.
struct Operand {
  Shape batch;
  i64 rows = 1;
  i64 columns = 1;
  bool is_vector = false;
};

Operand operand_of(const Called& called, const Shape& shape, const char* argument, bool turned, bool is_row) {
  const int rank = shape.rank();
  if (rank == 0) throw Error(ErrorCode::shape, called.subject(argument), "one axis or more", "()");
  if (rank == 1) {
    if (turned) {
      throw Error(ErrorCode::invalid_argument,
                  called.subject(argument),
                  "two axes or more to be transposed",
                  shape.to_string());
    }
    return is_row ? Operand{{}, 1, shape[0], true} : Operand{{}, shape[0], 1, true};
  }
  const std::vector<i64>& extents = shape.extents();
  Operand operand{
      Shape(std::vector<i64>(extents.begin(), extents.end() - 2)), shape[rank - 2], shape[rank - 1], false};
  if (turned) std::swap(operand.rows, operand.columns);
  return operand;
}

// Numbers of the matrices of an operand that has the axes `own`, for each of `whole`.
std::vector<i64> items_of(const Shape& own, const Shape& whole) {
  std::vector<i64> items(static_cast<std::size_t>(whole.elements()));
  const Loops<2> loops(whole, {dense_strides(whole), broadcast_strides(own, whole)});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    for (i64 i = 0; i < count; ++i) items[static_cast<std::size_t>(place[0] + i)] = place[1] + i * stride[1];
  });
  return items;
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b, const MatmulOptions& options, std::string_view name) {
  const Called called{"matmul", name};
  const Shape& a_shape = called.value(a, "a").shape();
  const Shape& b_shape = called.value(b, "b").shape();
  const Operand x = operand_of(called, a_shape, "a", options.transpose_a, true);
  const Operand z = operand_of(called, b_shape, "b", options.transpose_b, false);
  if (x.columns != z.rows) {
    throw Error(ErrorCode::shape,
                called.subject("b"),
                "inner extent " + std::to_string(x.columns) + ", that of a " + a_shape.to_string() +
                    (options.transpose_a ? " transposed" : ""),
                b_shape.to_string() + (options.transpose_b ? " transposed" : ""));
  }
  const Shape batch = broadcast(x.batch, z.batch, called.subject("") + " before the last two axes");
  Contraction c{x.rows, x.columns, z.columns, options.transpose_a, options.transpose_b, {}, {}};
  c.a_items = items_of(x.batch, batch);
  c.b_items = items_of(z.batch, batch);
  std::vector<i64> result = batch.extents();
  if (!x.is_vector) result.push_back(x.rows);
  if (!z.is_vector) result.push_back(z.columns);
  return contract(called, a, b, std::move(c), Shape(std::move(result)));
}

}  // namespace recurra::autograd
