#include "recurra/autograd/join.h"

#include <algorithm>
#include <memory>

#include "recurra/autograd/call.h"

namespace recurra::autograd {

namespace {

// A tensor as its axes before an axis, and what lies behind one place of it: runs of `inner` floats.
struct Blocks {
  i64 outer = 1;
  i64 inner = 1;

  Blocks(const Shape& shape, int axis) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

// A part of every block of `whole`, whose blocks are `stride` floats, from float `first` on.
struct Part {
  i64 outer, first, count, stride;

  void read(const float* whole, float* part) const {
    for (i64 i = 0; i < outer; ++i) std::copy_n(whole + i * stride + first, count, part + i * count);
  }

  void write(const float* part, float* whole) const {
    for (i64 i = 0; i < outer; ++i) std::copy_n(part + i * count, count, whole + i * stride + first);
  }

  void clear(float* whole) const {
    for (i64 i = 0; i < outer; ++i) std::fill_n(whole + i * stride + first, count, 0.0F);
  }

  void add(const float* part, float* whole) const {
    for (i64 i = 0; i < outer; ++i) {
      for (i64 k = 0; k < count; ++k) whole[i * stride + first + k] += part[i * count + k];
    }
  }
};

// The parts of a whole along an axis, by their extents.
std::vector<Part> parts_of(const Blocks& blocks, std::span<const i64> extents) {
  i64 whole = 0;
  for (const i64 extent : extents) whole += extent;
  std::vector<Part> parts;
  i64 first = 0;
  for (const i64 extent : extents) {
    parts.push_back({blocks.outer, first * blocks.inner, extent * blocks.inner, whole * blocks.inner});
    first += extent;
  }
  return parts;
}

Variable join(const Called& called,
              std::span<const Variable> inputs,
              const Shape& whole,
              const std::vector<Part>& parts) {
  Tensor y = Tensor::recycled(whole);
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i].write(inputs[i].value().data(), y.data());
  return called.result({inputs.begin(), inputs.end()}, std::move(y), [parts](BackwardPass& pass) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const int place = static_cast<int>(i);
      if (!pass.wants(place)) continue;
      Tensor d = Tensor::recycled(pass.input(place).shape());
      parts[i].read(pass.gradient(0)->data(), d.data());
      pass.add(place, std::move(d));
    }
  });
}

// All parts are of `shape`.
std::vector<Variable> cut(const Called& called,
                          const Variable& x,
                          std::vector<Part> parts,
                          const std::vector<Shape>& shapes) {
  const float* const from = x.value().data();
  std::vector<Tensor> outputs;
  outputs.reserve(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    outputs.push_back(Tensor::recycled(shapes[i]));
    parts[i].read(from, outputs.back().data());
  }
  auto backward = [parts = std::move(parts)](BackwardPass& pass) {
    const bool adds = pass.has_sum(0);
    float* const to = (adds ? pass.sum(0) : pass.unset_sum(0)).data();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Tensor* d = pass.gradient(static_cast<int>(i));
      if (d == nullptr && !adds) parts[i].clear(to);
      if (d != nullptr && adds) parts[i].add(d->data(), to);
      if (d != nullptr && !adds) parts[i].write(d->data(), to);
    }
  };
  std::vector<Variable> results =
      make_operation(called.function, {x}, std::move(outputs), std::move(backward));
  for (std::size_t i = 0; !called.name.empty() && i < results.size(); ++i)
    results[i].named(std::string(called.name) + "_" + std::to_string(i));
  return results;
}

void check_any(const Called& called, std::span<const Variable> parts) {
  if (parts.empty()) throw Error(ErrorCode::invalid_argument, called.subject("parts"), "one or more", "none");
}

std::vector<i64> ids_of(const Called& called, const Variable& ids, i64 places) {
  const Tensor& given = called.any_value(ids, "ids");
  std::vector<i64> list(static_cast<std::size_t>(given.size()));
  if (given.dtype() == Dtype::i32) {
    std::ranges::copy(given.as<std::int32_t>(), list.begin());
  } else if (given.dtype() == Dtype::i64) {
    std::ranges::copy(given.as<i64>(), list.begin());
  } else {
    throw Error(ErrorCode::dtype, called.subject("ids"), "i32 or i64", std::string(name_of(given.dtype())));
  }
  for (const i64 id : list) {
    if (id < 0 || id >= places) {
      throw Error(ErrorCode::invalid_argument,
                  called.subject("ids"),
                  "0 to " + std::to_string(places - 1),
                  std::to_string(id));
    }
  }
  return list;
}

}  // namespace

Variable concatenate(std::span<const Variable> parts, int axis, std::string_view name) {
  const Called called{"concatenate", name};
  check_any(called, parts);
  Shape whole = called.value(parts[0], "parts").shape();
  const int at = called.axis(axis, whole.rank());
  std::vector<i64> extents;
  for (const Variable& part : parts) {
    Shape shape = called.value(part, "parts").shape();
    const bool same_rank = shape.rank() == whole.rank();
    if (same_rank) {
      extents.push_back(shape[at]);
      shape[at] = whole[at];
    }
    if (shape != whole) {
      throw Error(ErrorCode::shape,
                  called.subject("parts"),
                  "shapes that differ in axis " + std::to_string(axis) + " alone",
                  parts[0].shape().to_string() + " and " + part.shape().to_string());
    }
  }
  const Blocks blocks(whole, at);
  whole[at] = 0;
  for (const i64 extent : extents) whole[at] = checked_add(whole[at], extent, "concatenate");
  return join(called, parts, whole, parts_of(blocks, extents));
}

Variable stack(std::span<const Variable> parts, int axis, std::string_view name) {
  const Called called{"stack", name};
  check_any(called, parts);
  const Shape& each = called.value(parts[0], "parts").shape();
  const int at = called.axis(axis, each.rank() + 1);
  for (const Variable& part : parts) {
    if (called.value(part, "parts").shape() != each) {
      throw Error(ErrorCode::shape,
                  called.subject("parts"),
                  "one shape",
                  each.to_string() + " and " + part.shape().to_string());
    }
  }
  std::vector<i64> extents = each.extents();
  extents.insert(extents.begin() + at, static_cast<i64>(parts.size()));
  const Shape whole(std::move(extents));
  const std::vector<i64> ones(parts.size(), 1);
  return join(called, parts, whole, parts_of(Blocks(whole, at), ones));
}

std::vector<Variable> split(const Variable& x,
                            int axis,
                            std::span<const i64> extents,
                            std::string_view name) {
  const Called called{"split", name};
  const Shape& whole = called.value(x, "x").shape();
  const int at = called.axis(axis, whole.rank());
  std::vector<Shape> shapes;
  i64 sum = 0;
  for (const i64 extent : extents) {
    if (extent < 0)
      throw Error(
          ErrorCode::invalid_argument, called.subject("extents"), "from 0 up", std::to_string(extent));
    sum = checked_add(sum, extent, "split");
    shapes.push_back(whole);
    shapes.back()[at] = extent;
  }
  if (sum != whole[at]) {
    throw Error(ErrorCode::shape,
                called.subject("extents"),
                "a sum of " + std::to_string(whole[at]) + ", axis " + std::to_string(axis) + " of " +
                    whole.to_string(),
                std::to_string(sum));
  }
  return cut(called, x, parts_of(Blocks(whole, at), extents), shapes);
}

std::vector<Variable> split(const Variable& x, int axis, int parts, std::string_view name) {
  const Called called{"split", name};
  const Shape& whole = called.value(x, "x").shape();
  const i64 extent = whole[called.axis(axis, whole.rank())];
  if (parts < 1 || extent % parts != 0) {
    throw Error(ErrorCode::shape,
                called.subject("parts"),
                "a divisor of " + std::to_string(extent) + ", axis " + std::to_string(axis) + " of " +
                    whole.to_string(),
                std::to_string(parts));
  }
  return split(x, axis, std::vector<i64>(static_cast<std::size_t>(parts), extent / parts), name);
}

std::vector<Variable> unstack(const Variable& x, int axis, std::string_view name) {
  const Called called{"unstack", name};
  const Shape& whole = called.value(x, "x").shape();
  const int at = called.axis(axis, whole.rank());
  std::vector<i64> each = whole.extents();
  each.erase(each.begin() + at);
  const std::vector<i64> ones(static_cast<std::size_t>(whole[at]), 1);
  return cut(called, x, parts_of(Blocks(whole, at), ones), std::vector<Shape>(ones.size(), Shape(each)));
}

Variable gather(const Variable& x, const Variable& ids, int axis, std::string_view name) {
  const Called called{"gather", name};
  const Tensor& from = called.value(x, "x");
  const int at = called.axis(axis, from.shape().rank());
  const i64 places = from.shape()[at];
  const std::vector<i64> list = ids_of(called, ids, places);
  const Blocks blocks(from.shape(), at);
  std::vector<i64> extents = from.shape().extents();
  extents.erase(extents.begin() + at);
  const std::vector<i64>& more = ids.shape().extents();
  extents.insert(extents.begin() + at, more.begin(), more.end());
  Tensor y = Tensor::recycled(Shape(std::move(extents)));
  float* to = y.data();
  for (i64 outer = 0; outer < blocks.outer; ++outer) {
    for (const i64 id : list)
      to = std::copy_n(from.data() + (outer * places + id) * blocks.inner, blocks.inner, to);
  }
  return called.result({x}, std::move(y), [list, blocks, places](BackwardPass& pass) {
    const float* d = pass.gradient(0)->data();
    float* const sum = pass.sum(0).data();
    for (i64 outer = 0; outer < blocks.outer; ++outer) {
      for (const i64 id : list) {
        float* const row = sum + (outer * places + id) * blocks.inner;
        for (i64 i = 0; i < blocks.inner; ++i) row[i] += d[i];
        d += blocks.inner;
      }
    }
  });
}

}  // namespace recurra::autograd
