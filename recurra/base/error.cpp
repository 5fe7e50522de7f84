/// Builds the text of an Error once, so that what() cannot fail.
#include "recurra/base/error.h"

#include <utility>

#include "recurra/base/shown.h"

namespace recurra {

namespace {

std::string text_of(ErrorCode code,
                    const std::string& subject,
                    const std::string& expected,
                    const std::string& actual) {
  if (code == ErrorCode::unsupported)
    return without_controls(subject + " \"" + shortened(actual) + "\": supported are " + expected);
  return without_controls(subject + ": expected " + expected + ", got " + actual);
}

}  // namespace

Error::Error(ErrorCode code, std::string subject, std::string expected, std::string actual)
    : code_(code),
      subject_(std::move(subject)),
      expected_(std::move(expected)),
      actual_(std::move(actual)),
      text_(text_of(code_, subject_, expected_, actual_)) {}

}  // namespace recurra
