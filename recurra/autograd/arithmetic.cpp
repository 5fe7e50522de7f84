#include "recurra/autograd/arithmetic.h"

#include <cmath>

#include "recurra/autograd/call.h"
#include "recurra/autograd/loops.h"

namespace recurra::autograd {

namespace {

// An operation has the value for two numbers, and the gradients of a and b where that of the value y is d.
struct Add {
  static float value(float a, float b) { return a + b; }

  static float to_a(float d, float, float, float) { return d; }

  static float to_b(float d, float, float, float) { return d; }
};

struct Subtract {
  static float value(float a, float b) { return a - b; }

  static float to_a(float d, float, float, float) { return d; }

  static float to_b(float d, float, float, float) { return -d; }
};

struct Multiply {
  static float value(float a, float b) { return a * b; }

  static float to_a(float d, float, float b, float) { return d * b; }

  static float to_b(float d, float a, float, float) { return d * a; }
};

struct Divide {
  static float value(float a, float b) { return a / b; }

  static float to_a(float d, float, float b, float) { return d / b; }

  static float to_b(float d, float, float b, float y) { return -d * y / b; }
};

struct Pow {
  static float value(float a, float b) { return std::pow(a, b); }

  static float to_a(float d, float a, float b, float) { return b == 0 ? 0.0F : d * b * std::pow(a, b - 1); }

  static float to_b(float d, float a, float, float y) { return a > 0 ? d * y * std::log(a) : 0.0F; }
};

struct Maximum {
  static float value(float a, float b) { return a >= b ? a : b; }

  static float to_a(float d, float a, float b, float) { return a >= b ? d : 0.0F; }

  static float to_b(float d, float a, float b, float) { return a >= b ? 0.0F : d; }
};

struct Minimum {
  static float value(float a, float b) { return a <= b ? a : b; }

  static float to_a(float d, float a, float b, float) { return a <= b ? d : 0.0F; }

  static float to_b(float d, float a, float b, float) { return a <= b ? 0.0F : d; }
};

// f of the elements of a run; the common strides apart, so that the compiler makes vectors of them.
template <class T, class F>
void compute_run(i64 count, const float* a, i64 a_stride, const float* b, i64 b_stride, T* y, const F& f) {
  if (a_stride == 1 && b_stride == 1) {
    for (i64 i = 0; i < count; ++i) y[i] = f(a[i], b[i]);
  } else if (a_stride == 1 && b_stride == 0) {
    const float one = *b;
    for (i64 i = 0; i < count; ++i) y[i] = f(a[i], one);
  } else if (a_stride == 0 && b_stride == 1) {
    const float one = *a;
    for (i64 i = 0; i < count; ++i) y[i] = f(one, b[i]);
  } else {
    for (i64 i = 0; i < count; ++i) y[i] = f(a[i * a_stride], b[i * b_stride]);
  }
}

// Values of f over two broadcast tensors.
template <class T, class F>
Tensor compute(const Called& called, const Variable& a, const Variable& b, Dtype dtype, const F& f) {
  const Tensor& x = called.value(a, "a");
  const Tensor& z = called.value(b, "b");
  Tensor y = Tensor::recycled(broadcast(x.shape(), z.shape(), called.subject("")), dtype);
  T* const to = y.as<T>().data();
  if (x.shape() == z.shape()) {
    compute_run(y.size(), x.data(), 1, z.data(), 1, to, f);
    return y;
  }
  const Shape& shape = y.shape();
  const Loops<3> loops(
      shape,
      {dense_strides(shape), broadcast_strides(x.shape(), shape), broadcast_strides(z.shape(), shape)});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    compute_run(count, x.data() + place[1], stride[1], z.data() + place[2], stride[2], to + place[0], f);
  });
  return y;
}

// What a gradient is made of: f(d, a, b, y) for elements of one place.
struct Sources {
  const float* d;
  const float* a;
  const float* b;
  const float* y;
};

// Puts or adds f to the elements at `to`, or to the one where to_stride is 0.
template <bool adds, class F>
void gradient_run(
    i64 count, const Sources& at, i64 a_stride, i64 b_stride, float* to, i64 to_stride, const F& f) {
  const auto all = [&](const auto& element) {
    if (to_stride == 0) {
      const float sum = sum_of(count, element);
      *to = adds ? *to + sum : sum;
    } else if (to_stride == 1) {
      for (i64 i = 0; i < count; ++i) to[i] = adds ? to[i] + element(i) : element(i);
    } else {
      for (i64 i = 0; i < count; ++i) to[i * to_stride] = (adds ? to[i * to_stride] : 0.0F) + element(i);
    }
  };
  if (a_stride == 1 && b_stride == 1) {
    all([&](i64 i) { return f(at.d[i], at.a[i], at.b[i], at.y[i]); });
  } else {
    all([&](i64 i) { return f(at.d[i], at.a[i * a_stride], at.b[i * b_stride], at.y[i]); });
  }
}

// The gradient of input i of two: f of every element, where the input is repeated the sum.
template <class F>
void add_gradient(BackwardPass& pass, int i, const F& f) {
  const Tensor& a = pass.input(0);
  const Tensor& b = pass.input(1);
  const Tensor& y = pass.output(0);
  const Sources from{pass.gradient(0)->data(), a.data(), b.data(), y.data()};
  const Shape& shape = y.shape();
  if (a.shape() == b.shape()) {
    if (pass.has_sum(i)) {
      gradient_run<true>(y.size(), from, 1, 1, pass.sum(i).data(), 1, f);
    } else {
      gradient_run<false>(y.size(), from, 1, 1, pass.unset_sum(i).data(), 1, f);
    }
    return;
  }
  const Tensor& own = pass.input(i);
  const bool repeated = own.size() != y.size();
  const bool adds = repeated || pass.has_sum(i);
  float* const to = (adds ? pass.sum(i) : pass.unset_sum(i)).data();
  const Loops<4> loops(shape,
                       {dense_strides(shape),
                        broadcast_strides(a.shape(), shape),
                        broadcast_strides(b.shape(), shape),
                        broadcast_strides(own.shape(), shape)});
  for_each_run(loops, [&](const auto& place, i64 count, const auto& stride) {
    const Sources at{from.d + place[0], from.a + place[1], from.b + place[2], from.y + place[0]};
    if (adds) {
      gradient_run<true>(count, at, stride[1], stride[2], to + place[3], stride[3], f);
    } else {
      gradient_run<false>(count, at, stride[1], stride[2], to + place[3], stride[3], f);
    }
  });
}

template <class Op>
Variable apply(const Called& called, const Variable& a, const Variable& b) {
  // Lambdas, since calls by pointers would not be inlined.
  const auto value = [](float x, float z) {
    return Op::value(x, z);
  };
  return called.result({a, b}, compute<float>(called, a, b, Dtype::f32, value), [](BackwardPass& pass) {
    const auto to_a = [](float d, float x, float z, float y) {
      return Op::to_a(d, x, z, y);
    };
    const auto to_b = [](float d, float x, float z, float y) {
      return Op::to_b(d, x, z, y);
    };
    if (pass.wants(0)) add_gradient(pass, 0, to_a);
    if (pass.wants(1)) add_gradient(pass, 1, to_b);
  });
}

template <class F>
Variable compare(const Called& called, const Variable& a, const Variable& b, const F& f) {
  return called.result({}, compute<std::uint8_t>(called, a, b, Dtype::u8, f), nullptr);
}

}  // namespace

Variable add(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Add>({"add", name}, a, b);
}

Variable subtract(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Subtract>({"subtract", name}, a, b);
}

Variable multiply(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Multiply>({"multiply", name}, a, b);
}

Variable divide(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Divide>({"divide", name}, a, b);
}

Variable pow(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Pow>({"pow", name}, a, b);
}

Variable maximum(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Maximum>({"maximum", name}, a, b);
}

Variable minimum(const Variable& a, const Variable& b, std::string_view name) {
  return apply<Minimum>({"minimum", name}, a, b);
}

Variable less(const Variable& a, const Variable& b, std::string_view name) {
  return compare({"less", name}, a, b, [](float x, float z) -> std::uint8_t { return x < z ? 1 : 0; });
}

Variable less_equal(const Variable& a, const Variable& b, std::string_view name) {
  return compare({"less_equal", name}, a, b, [](float x, float z) -> std::uint8_t { return x <= z ? 1 : 0; });
}

Variable equal(const Variable& a, const Variable& b, std::string_view name) {
  return compare({"equal", name}, a, b, [](float x, float z) -> std::uint8_t { return x == z ? 1 : 0; });
}

Variable scalar(float value) {
  Tensor tensor = Tensor::recycled(Shape());
  tensor.data()[0] = value;
  return Variable(std::move(tensor));
}

}  // namespace recurra::autograd
