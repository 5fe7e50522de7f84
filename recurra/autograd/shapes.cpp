#include "recurra/autograd/shapes.h"

#include <algorithm>
#include <cstring>

#include "recurra/autograd/strided.h"

namespace recurra::autograd {

namespace {

std::size_t index(int axis) {
  return static_cast<std::size_t>(axis);
}

Shape without_axis(const Shape& shape, int axis) {
  std::vector<i64> extents = shape.extents();
  extents.erase(extents.begin() + axis);
  return Shape(std::move(extents));
}

// `shape` with its -1 filled in so that it has the elements of `from`.
Shape filled_in(const Called& called, const Shape& from, Shape shape) {
  const i64 elements = from.elements();
  i64 known = 1;
  int open = -1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == -1 && open < 0) {
      open = axis;
    } else if (shape[axis] < 0) {
      throw Error(ErrorCode::invalid_argument,
                  called.subject("shape"),
                  "extents from 0 up and at most one -1",
                  shape.to_string());
    } else {
      known = checked_multiply(known, shape[axis], "shape");
    }
  }
  if (open >= 0 && known > 0 && elements % known == 0) shape[open] = elements / known;
  if ((open >= 0 && shape[open] < 0) || shape.elements() != elements) {
    throw Error(ErrorCode::shape,
                called.subject("shape"),
                "one of the " + std::to_string(elements) + " elements of " + from.to_string(),
                shape.to_string());
  }
  return shape;
}

Variable reshaped(const Called& called, const Variable& x, Shape shape) {
  const Tensor& from = called.any_value(x, "x");
  Tensor y = Tensor::recycled(std::move(shape), from.dtype());
  if (from.bytes() > 0) std::memcpy(y.raw(), from.raw(), from.bytes());
  return called.result({x}, std::move(y), [](BackwardPass& pass) {
    Tensor d = pass.take_gradient(0);
    d.reshape(pass.input(0).shape());
    pass.add(0, std::move(d));
  });
}

// The view of x that has only some places of an axis.
StridedView along(const Shape& shape, int axis, i64 first, i64 count, i64 step) {
  StridedView view{0, shape, dense_strides(shape)};
  view.offset = first * view.strides[index(axis)];
  view.strides[index(axis)] *= step;
  view.shape[axis] = count;
  return view;
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape, std::string_view name) {
  const Called called{"reshape", name};
  return reshaped(called, x, filled_in(called, called.any_value(x, "x").shape(), shape));
}

Variable permute(const Variable& x, std::span<const int> axes, std::string_view name) {
  const Called called{"permute", name};
  const Shape& shape = called.any_value(x, "x").shape();
  const Strides strides = dense_strides(shape);
  StridedView view{0, shape, {}};
  std::vector<bool> seen(index(shape.rank()), false);
  if (axes.size() != seen.size()) {
    throw Error(ErrorCode::invalid_argument,
                called.subject("axes"),
                std::to_string(shape.rank()) + " for " + shape.to_string(),
                std::to_string(axes.size()));
  }
  for (int place = 0; place < shape.rank(); ++place) {
    const int axis = called.axis(axes[index(place)], shape.rank(), "axes");
    if (seen[index(axis)])
      throw Error(ErrorCode::invalid_argument,
                  called.subject("axes"),
                  "each axis once",
                  std::to_string(axis) + " twice");
    seen[index(axis)] = true;
    view.shape[place] = shape[axis];
    view.strides[index(place)] = strides[index(axis)];
  }
  return view_of(called, x, std::move(view));
}

Variable transpose(const Variable& x, std::string_view name) {
  const Called called{"transpose", name};
  const Shape& shape = called.any_value(x, "x").shape();
  const int rank = shape.rank();
  if (rank < 2) throw Error(ErrorCode::shape, called.subject("x"), "two axes or more", shape.to_string());
  StridedView view{0, shape, dense_strides(shape)};
  std::swap(view.shape[rank - 2], view.shape[rank - 1]);
  std::swap(view.strides[index(rank - 2)], view.strides[index(rank - 1)]);
  return view_of(called, x, std::move(view));
}

Variable squeeze(const Variable& x, int axis, std::string_view name) {
  const Called called{"squeeze", name};
  const Shape& shape = called.any_value(x, "x").shape();
  const int at = called.axis(axis, shape.rank());
  if (shape[at] != 1) {
    throw Error(
        ErrorCode::shape, called.subject("x"), "extent 1 of axis " + std::to_string(axis), shape.to_string());
  }
  return reshaped(called, x, without_axis(shape, at));
}

Variable expand(const Variable& x, int axis, std::string_view name) {
  const Called called{"expand", name};
  std::vector<i64> extents = called.any_value(x, "x").shape().extents();
  const int at = called.axis(axis, static_cast<int>(extents.size()) + 1);
  extents.insert(extents.begin() + at, 1);
  return reshaped(called, x, Shape(std::move(extents)));
}

Variable broadcast_to(const Variable& x, const Shape& shape, std::string_view name) {
  const Called called{"broadcast_to", name};
  const Shape& own = called.any_value(x, "x").shape();
  if (broadcast(own, shape, called.subject("shape")) != shape)
    throw Error(ErrorCode::shape,
                called.subject("shape"),
                "one that " + own.to_string() + " goes with",
                shape.to_string());
  return view_of(called, x, {0, shape, broadcast_strides(own, shape)});
}

Variable slice(const Variable& x, int axis, const SliceRange& range, std::string_view name) {
  const Called called{"slice", name};
  const Shape& shape = called.any_value(x, "x").shape();
  const int at = called.axis(axis, shape.rank());
  if (range.step == 0)
    throw Error(ErrorCode::invalid_argument, called.subject("range.step"), "any number but 0", "0");
  const i64 extent = shape[at];
  const bool forward = range.step > 0;
  // Python's rule, whose last place backward may be the one before the first.
  const auto place = [&](i64 given) {
    const i64 from_first = given < 0 ? given + extent : given;
    return forward ? std::clamp<i64>(from_first, 0, extent) : std::clamp<i64>(from_first, -1, extent - 1);
  };
  const i64 first = place(range.first);
  const i64 last = place(range.last);
  const i64 count =
      forward ? (last - first + range.step - 1) / range.step : (first - last - range.step - 1) / -range.step;
  return view_of(called, x, along(shape, at, first, std::max<i64>(count, 0), range.step));
}

Variable select(const Variable& x, int axis, i64 place, std::string_view name) {
  const Called called{"select", name};
  const Shape& shape = called.any_value(x, "x").shape();
  const int at = called.axis(axis, shape.rank());
  const i64 extent = shape[at];
  if (place < -extent || place >= extent) {
    throw Error(ErrorCode::invalid_argument,
                called.subject("index"),
                "a place of axis " + std::to_string(axis) + " of " + shape.to_string(),
                std::to_string(place));
  }
  StridedView view = along(shape, at, place < 0 ? place + extent : place, 1, 1);
  for (int later = at; later + 1 < shape.rank(); ++later)
    view.strides[index(later)] = view.strides[index(later + 1)];
  view.shape = without_axis(shape, at);
  return view_of(called, x, std::move(view));
}

Variable flip(const Variable& x, int axis, std::string_view name) {
  const Called called{"flip", name};
  const Shape& shape = called.any_value(x, "x").shape();
  const int at = called.axis(axis, shape.rank());
  return view_of(called, x, along(shape, at, std::max<i64>(shape[at] - 1, 0), shape[at], -1));
}

}  // namespace recurra::autograd
