/// Softmax and losses. Losses are one a row: their mean is the usual number. All throw Error: dtype for other
/// elements than said, invalid_argument for an empty variable, shape where shapes do not fit. `name` becomes
/// the result's and stands in errors.
#pragma once

#include "recurra/autograd/variable.h"

namespace recurra::autograd {

/// exp(x) / the sum of exp(x) over `axis`, which counts from the end where negative. Throws Error
/// (invalid_argument), too, for an axis out of range.
[[nodiscard]] RECURRA_API Variable softmax(const Variable& x, int axis = -1, std::string_view name = {});

/// log(softmax(x)), exact where softmax is close to 0 or 1.
[[nodiscard]] RECURRA_API Variable log_softmax(const Variable& x, int axis = -1, std::string_view name = {});

/// -sum over classes of target * log_softmax(logits): logits and targets (…, classes) -> (…). Targets may be
/// variables that want a gradient.
[[nodiscard]] RECURRA_API Variable softmax_cross_entropy(const Variable& logits,
                                                         const Variable& targets,
                                                         std::string_view name = {});

/// -log_softmax(logits) at the class of each row: logits (…, classes), labels (…) of i32 or i64 -> (…).
/// Throws Error (invalid_argument), too, for a label that is no class.
[[nodiscard]] RECURRA_API Variable sparse_softmax_cross_entropy(const Variable& logits,
                                                                const Variable& labels,
                                                                std::string_view name = {});

/// The mean over the last axis of (prediction - target)^2, both (…, features) -> (…).
[[nodiscard]] RECURRA_API Variable mean_squared_error(const Variable& prediction,
                                                      const Variable& target,
                                                      std::string_view name = {});

}  // namespace recurra::autograd
