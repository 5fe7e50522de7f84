/// Operations on variables: the same operation on their values, with its way back on the tape.
///
/// Private to the library.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "recurra/autograd/variable.h"
#include "recurra/ops/operation.h"

namespace recurra::ops {

/// Where a struct's member was left out, null.
[[nodiscard]] inline const autograd::Variable* given_variable(const autograd::Variable& variable) noexcept {
  return variable.empty() ? nullptr : &variable;
}

/// What an operation on variables is made of. Inputs by place; null or empty: left out.
class Differentiated {
 public:
  Differentiated(const std::vector<const autograd::Variable*>& inputs, const OpOptions& options);

  /// The inputs' values.
  [[nodiscard]] Inputs values() const;

  /// Those given, which run where nothing is said as variables' functions do on this thread.
  [[nodiscard]] const OpOptions& options() const noexcept { return options_; }

  /// The outputs by place; empty where they are not asked for. Where the call was given a name they have it,
  /// with theirs behind.
  [[nodiscard]] std::vector<autograd::Variable> run(const std::shared_ptr<Operation>& operation,
                                                    std::initializer_list<const char*> names) const;

 private:
  std::vector<autograd::Variable> inputs_;
  OpOptions options_;
};

}  // namespace recurra::ops
