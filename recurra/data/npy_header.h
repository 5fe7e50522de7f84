/// The header of an npy file (NumPy Enhancement Proposal 1; numpy.lib.format): magic, version, length, and a
/// Python dictionary of three keys.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "recurra/base/shape.h"
#include "recurra/data/npy_elements.h"

namespace recurra {

/// Fills bytes in the order of the file and returns how many it filled: fewer only at the end.
using ReadBytes = std::function<std::size_t(std::span<std::byte>)>;

/// What a header says, every size checked.
struct NpyHeader {
  const NpyElement* element = nullptr;
  bool swapped = false;        ///< big-endian
  bool fortran_order = false;  ///< the first axis varies fastest
  Shape shape;                 ///< rank 0 to 8
  i64 header_bytes = 0;        ///< where the data begin
  i64 data_bytes = 0;
};

/// Reads a header of version 1.0, 2.0 or 3.0 from the beginning of `size` bytes.
///
/// Throws Error naming `subject`: unsupported (another version or element type), format (anything but exactly
/// the three keys, a rank above 8, a header above 65,535 bytes, or data of more or fewer bytes than follow).
[[nodiscard]] RECURRA_API NpyHeader read_npy_header(const ReadBytes& read,
                                                    i64 size,
                                                    const std::string& subject);

/// A header of version 1.0 for an array in C order, its data at a multiple of 64. Throws Error
/// (invalid_argument) for a rank above 8.
[[nodiscard]] RECURRA_API std::string make_npy_header(const Shape& shape, Dtype dtype);

}  // namespace recurra
