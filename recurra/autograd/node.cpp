#include "recurra/autograd/node.h"

#include <atomic>

namespace recurra::autograd::detail {

namespace {

// Nodes whose last owner has gone and that wait for the outermost destructor of the thread; null outside.
thread_local std::vector<std::shared_ptr<Node>>* waiting = nullptr;

}  // namespace

std::uint64_t next_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// What a backward function holds may be the last owner of other nodes, too: their destructors find `waiting`
// set, and leave their inputs there.
Node::~Node() {
  if (inputs.empty()) return;
  if (waiting != nullptr) {
    for (Variable& input : inputs) Access::take(input, *waiting);
    return;
  }
  std::vector<std::shared_ptr<Node>> list;
  waiting = &list;
  for (Variable& input : inputs) Access::take(input, list);
  backward = nullptr;
  while (!list.empty()) {
    const std::shared_ptr<Node> last = std::move(list.back());
    list.pop_back();
  }
  waiting = nullptr;
}

}  // namespace recurra::autograd::detail
