/// Memory of tensors that come and go: taken from the system once, and kept for the next of about the size.
#pragma once

#include <memory>

#include "recurra/base/buffer.h"

namespace recurra {

namespace detail {

/// At least `bytes` at a cache line, not zeroed: what another has left, or new. Throws std::bad_alloc. Never
/// waits: where another thread is about to take or give, memory is the system's.
[[nodiscard]] std::unique_ptr<void, AlignedDelete> take_recycled(std::size_t bytes);

/// Keeps memory of take_recycled, of the `bytes` that its deleter says.
void give_recycled(void* memory, std::size_t bytes) noexcept;

}  // namespace detail

/// Bytes that are kept for tensors to come. Never more than such tensors have had at once, by sizes apart.
[[nodiscard]] RECURRA_API std::size_t recycled_memory() noexcept;

/// Gives what is kept back to the system.
RECURRA_API void release_recycled_memory() noexcept;

}  // namespace recurra
