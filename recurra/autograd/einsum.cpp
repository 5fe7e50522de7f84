#include <algorithm>
#include <map>

#include "recurra/autograd/contraction.h"
#include "recurra/autograd/matmul.h"
#include "recurra/autograd/reduce.h"
#include "recurra/autograd/shapes.h"
#include "recurra/autograd/strided.h"

namespace recurra::autograd {

namespace {

bool has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

// The letters of `from` that `keep` says yes to, in order.
template <class Keep>
std::string those_of(const std::string& from, const Keep& keep) {
  std::string letters;
  std::ranges::copy_if(from, std::back_inserter(letters), keep);
  return letters;
}

// An equation taken apart: the letters of each operand, of the result, and their extents.
struct Equation {
  std::vector<std::string> operands;
  std::string result;
  std::map<char, i64> extents = {};

  [[nodiscard]] Shape shape(const std::string& letters) const {
    std::vector<i64> list;
    for (const char letter : letters) list.push_back(extents.at(letter));
    return Shape(std::move(list));
  }

  [[nodiscard]] i64 elements(const std::string& letters) const { return shape(letters).elements(); }
};

[[noreturn]] void fail(const Called& called, std::string expected, std::string_view equation) {
  throw Error(ErrorCode::invalid_argument,
              called.subject("equation"),
              std::move(expected),
              "\"" + std::string(equation) + "\"");
}

// Without an arrow: the letters that stand once, sorted.
std::string implied_result(const std::vector<std::string>& operands) {
  std::string all;
  for (const std::string& letters : operands) all += letters;
  std::ranges::sort(all);
  return those_of(all, [&](char letter) { return std::ranges::count(all, letter) == 1; });
}

Equation parse(const Called& called, std::string_view text, std::size_t operands) {
  Equation equation{{""}, ""};
  bool behind_arrow = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter) {
      (behind_arrow ? equation.result : equation.operands.back()) += c;
    } else if (c == ',' && !behind_arrow) {
      equation.operands.emplace_back();
    } else if (c == '-' && i + 1 < text.size() && text[i + 1] == '>' && !behind_arrow) {
      behind_arrow = true;
      ++i;
    } else if (c != ' ') {
      fail(called, "letters, commas between operands and one -> before the result", text);
    }
  }
  if (equation.operands.size() != operands)
    fail(called, "an equation of " + std::to_string(operands) + " operands", text);
  if (!behind_arrow) equation.result = implied_result(equation.operands);
  for (const char letter : equation.result) {
    const bool known =
        std::ranges::any_of(equation.operands, [&](const auto& list) { return has(list, letter); });
    if (!known || std::ranges::count(equation.result, letter) != 1)
      fail(called, "each letter of the result once, and of an operand", text);
  }
  return equation;
}

void bind(const Called& called, Equation& equation, std::size_t operand, const Shape& shape) {
  const std::string& letters = equation.operands[operand];
  const char* const argument = operand == 0 ? "a" : "b";
  if (static_cast<std::size_t>(shape.rank()) != letters.size()) {
    throw Error(ErrorCode::shape,
                called.subject(argument),
                std::to_string(letters.size()) + " axes, \"" + letters + "\"",
                shape.to_string());
  }
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const char letter = letters[static_cast<std::size_t>(axis)];
    const auto [known, is_new] = equation.extents.emplace(letter, shape[axis]);
    if (is_new || known->second == shape[axis]) continue;
    throw Error(ErrorCode::shape,
                called.subject(argument),
                "extent " + std::to_string(known->second) + " of \"" + letter + "\" in \"" + letters + "\"",
                shape.to_string());
  }
}

// x, whose axes are `from`, as axes `to`: the same letters, each once. A letter that `from` has twice is its
// diagonal.
Variable arranged(const Called& called,
                  const Equation& equation,
                  const Variable& x,
                  const std::string& from,
                  const std::string& to) {
  if (from == to) return x;
  const Strides dense = dense_strides(x.shape());
  StridedView view{0, equation.shape(to), {}};
  for (std::size_t place = 0; place < to.size(); ++place) {
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      if (from[axis] == to[place]) view.strides[place] += dense[axis];
    }
  }
  return view_of(called, x, std::move(view));
}

// An operand with each letter once, and summed over those that nothing else has.
struct Term {
  Variable x;
  std::string letters;
};

Term simplified(const Called& called, const Equation& equation, const Variable& x, std::size_t operand) {
  const std::string& given = equation.operands[operand];
  std::string unique;
  for (const char letter : given) {
    if (!has(unique, letter)) unique += letter;
  }
  Term term{arranged(called, equation, x, given, unique), unique};
  const auto is_needed = [&](char letter) {
    const bool other = equation.operands.size() == 2 && has(equation.operands[1 - operand], letter);
    return other || has(equation.result, letter);
  };
  Over over;
  for (std::size_t axis = 0; axis < unique.size(); ++axis) {
    if (!is_needed(unique[axis])) over.axes.push_back(static_cast<int>(axis));
  }
  if (over.axes.empty()) return term;
  return {sum(term.x, over, called.name), those_of(unique, is_needed)};
}

// The roles of letters in a product of matrices: `rows` stand in a alone, `columns` in b, `inner` go.
struct Roles {
  std::string batch, rows, inner, columns;
};

// Whether letters lie as matrices already, as (rows, columns) or turned.
enum class Lies { straight, turned, otherwise };

Lies how_it_lies(const std::string& letters,
                 const std::string& batch,
                 const std::string& rows,
                 const std::string& columns) {
  if (letters == batch + rows + columns) return Lies::straight;
  return letters == batch + columns + rows ? Lies::turned : Lies::otherwise;
}

// Every item of the result has the matrices of the same number.
std::vector<i64> counted(i64 items) {
  std::vector<i64> list(static_cast<std::size_t>(items));
  for (i64 i = 0; i < items; ++i) list[static_cast<std::size_t>(i)] = i;
  return list;
}

Variable product_of(const Called& called, const Equation& equation, Term a, Term b, const Roles& roles) {
  const Lies a_lies = how_it_lies(a.letters, roles.batch, roles.rows, roles.inner);
  const Lies b_lies = how_it_lies(b.letters, roles.batch, roles.inner, roles.columns);
  if (a_lies == Lies::otherwise)
    a.x = arranged(called, equation, a.x, a.letters, roles.batch + roles.rows + roles.inner);
  if (b_lies == Lies::otherwise)
    b.x = arranged(called, equation, b.x, b.letters, roles.batch + roles.inner + roles.columns);
  const std::vector<i64> items = counted(equation.elements(roles.batch));
  const Contraction contraction{equation.elements(roles.rows),
                                equation.elements(roles.inner),
                                equation.elements(roles.columns),
                                a_lies == Lies::turned,
                                b_lies == Lies::turned,
                                items,
                                items};
  const std::string made = roles.batch + roles.rows + roles.columns;
  const Variable y = contract(called, a.x, b.x, contraction, equation.shape(made));
  return arranged(called, equation, y, made, equation.result);
}

Roles roles_of(const Equation& equation, const Term& a, const Term& b) {
  const auto in_result = [&](char letter) {
    return has(equation.result, letter);
  };
  Roles roles;
  roles.batch = those_of(a.letters, [&](char letter) { return has(b.letters, letter) && in_result(letter); });
  roles.rows = those_of(a.letters, [&](char letter) { return !has(b.letters, letter); });
  roles.columns = those_of(b.letters, [&](char letter) { return !has(a.letters, letter); });
  // In b's order: b is mostly the weight, which is better packed where it lies than copied.
  roles.inner =
      those_of(b.letters, [&](char letter) { return has(a.letters, letter) && !in_result(letter); });
  return roles;
}

}  // namespace

Variable einsum(std::string_view equation, const Variable& a, const Variable& b, std::string_view name) {
  const Called called{"einsum", name};
  Equation parsed = parse(called, equation, 2);
  bind(called, parsed, 0, called.value(a, "a").shape());
  bind(called, parsed, 1, called.value(b, "b").shape());
  Term x = simplified(called, parsed, a, 0);
  Term z = simplified(called, parsed, b, 1);
  Roles roles = roles_of(parsed, x, z);
  // With the operands exchanged the result may be in order as it comes.
  if (parsed.result != roles.batch + roles.rows + roles.columns) {
    Roles exchanged = roles_of(parsed, z, x);
    if (parsed.result == exchanged.batch + exchanged.rows + exchanged.columns) {
      std::swap(x, z);
      roles = std::move(exchanged);
    }
  }
  return product_of(called, parsed, std::move(x), std::move(z), roles);
}

Variable einsum(std::string_view equation, const Variable& a, std::string_view name) {
  const Called called{"einsum", name};
  Equation parsed = parse(called, equation, 1);
  bind(called, parsed, 0, called.value(a, "a").shape());
  const Term term = simplified(called, parsed, a, 0);
  const Variable y = arranged(called, parsed, term.x, term.letters, parsed.result);
  const bool is_a = &y.value() == &a.value();  // whose name stays its own
  return is_a ? reshape(y, y.shape(), name) : y;
}

}  // namespace recurra::autograd
