/// The one exception of the library. Checks stand where a value enters; behind them code is noexcept.
#pragma once

#include <exception>
#include <string>

#include "recurra/base/platform.h"

namespace recurra {

/// What kind of mistake an Error reports.
enum class ErrorCode {
  invalid_argument,  ///< a value outside its domain
  shape,             ///< a tensor of another shape than its place needs
  dtype,             ///< a tensor of another element type than its place needs
  unsupported,       ///< a name or combination this build does not have; the text lists what it has
  non_finite,        ///< NaN or infinity where training cannot go on
  io,                ///< a file that cannot be opened, read or written
  format,            ///< a file whose bytes are not what its format promises
};

/// Carries what was looked at, what it should have been and what it was.
///
/// what() reads `subject: expected EXPECTED, got ACTUAL`; for ErrorCode::unsupported
/// `subject "ACTUAL": supported are EXPECTED`, where a long ACTUAL, a name out of a file perhaps, is cut.
/// Control characters are `?` in it.
class RECURRA_API Error : public std::exception {
 public:
  /// Builds the text; the parts are in the order in which it says them.
  Error(ErrorCode code, std::string subject, std::string expected, std::string actual);

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }

  [[nodiscard]] const std::string& expected() const noexcept { return expected_; }

  [[nodiscard]] const std::string& actual() const noexcept { return actual_; }

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorCode code_;
  std::string subject_;
  std::string expected_;
  std::string actual_;
  std::string text_;
};

/// Throws Error{code, subject, expected, actual} unless `condition` holds. For checks whose texts are
/// cheap; build costly texts behind an `if`.
inline void require(
    bool condition, ErrorCode code, const char* subject, const char* expected, const std::string& actual) {
  if (!condition) throw Error(code, subject, expected, actual);
}

}  // namespace recurra
