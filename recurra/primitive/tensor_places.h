/// Where the tensors of an execution lie in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recurra/primitive/tensor_desc.h"

namespace recurra::primitive {

/// Which tensor a check is about: `weights_iter`, or `weights_iter of layer 1, direction 0`.
struct Subject {
  const char* name;
  int layer = -1;  ///< -1: not of one layer
  int direction = 0;

  /// As above.
  [[nodiscard]] RECURRA_API std::string text() const;
};

/// The memory of all tensors of an execution, to be checked before it: what is written lies apart from all
/// else. Once it has room it allocates nothing. A workspace keeps one; callers have no use for it.
class RECURRA_API TensorPlaces {
 public:
  /// How an execution uses a tensor.
  enum class Access { read, written };

  /// Makes room for so many tensors. Throws std::bad_alloc.
  explicit TensorPlaces(std::size_t room) { places_.reserve(room); }

  /// Forgets all tensors.
  void clear() noexcept { places_.clear(); }

  /// One more. The view's description must live until the check; a tensor that does not exist has no place.
  /// Of two tensors of one `pair` other than 0 one may lie in the very place of the other.
  template <class Void>
  void add(const Subject& subject, const TensorViewOf<Void>& view, Access access, int pair = 0) {
    if (view.exists()) add(subject, view.data(), view.desc().size(), &view.desc(), access, pair);
  }

  /// Memory that is no tensor.
  void add(const Subject& subject, const void* memory, i64 bytes, Access access) {
    add(subject, memory, bytes, nullptr, access, 0);
  }

  /// Throws Error (invalid_argument), naming both, where a tensor that is written overlaps another. Two may
  /// lie within each other's gaps, such as columns of one wider tensor.
  void check();

 private:
  struct Place {
    Subject subject;
    std::intptr_t first, last;  // of the bytes, and behind them
    const TensorDesc* desc;     // null: all bytes
    Access access;
    int pair;
    std::size_t order;
  };

  void add(
      const Subject& subject, const void* memory, i64 bytes, const TensorDesc* desc, Access access, int pair);
  static bool are_apart(const Place& a, const Place& b) noexcept;
  static bool are_columns(const Place& a, const Place& b, i64 row) noexcept;
  [[noreturn]] static void refuse(const Place& a, const Place& b);

  std::vector<Place> places_;
};

}  // namespace recurra::primitive
