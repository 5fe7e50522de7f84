/// The line that grows while an epoch runs: Keras 3's progress bar on a terminal, one plain line elsewhere.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "recurra/base/platform.h"

namespace recurra {

/// A metric's name and value as they are shown: `loss`, 0.4688.
struct LoggedValue {
  std::string_view name;
  double value = 0.0;
};

/// Seconds since some fixed moment, never going back.
using Clock = std::function<double()>;

/// The system's steady clock.
[[nodiscard]] RECURRA_API double steady_seconds();

/// Where a progress bar is drawn.
enum class ProgressStyle {
  terminal,  ///< redrawn in place, in colours (Keras's `verbose=1`)
  lines,     ///< one line when finished (Keras's `verbose=2`), for files and pipes
};

/// Shows one epoch, or one pass of evaluation; construct it when the pass begins. Text as Keras 3.15 prints
/// it:
///
///     938/938 ━━━━━━━━━━━━━━━━━━━━ 5s 5ms/step - accuracy: 0.4511 - loss: 1.6432 - val_accuracy: 0.8213
///     938/938 - 5s - 5ms/step - accuracy: 0.4511 - loss: 1.6432 - val_accuracy: 0.8213
///
/// Values are shown as they are given, in the order given; means over the epoch are the caller's to make. On
/// a terminal the first step is left out of the time a step takes, as it is not like the others.
class RECURRA_API ProgressBar {
 public:
  /// `out` must outlive the bar. `total` counts the steps of the pass; 0: unknown.
  ProgressBar(std::ostream& out, ProgressStyle style, i64 total, Clock clock = steady_seconds);

  /// Says that the first `steps` were done before this pass began: they have taken none of its time.
  void skip(i64 steps) noexcept { current_ = skipped_ = steps; }

  /// Says that `current` steps are done. Redraws at most every 0.05 s; in style `lines` it shows nothing.
  void update(i64 current, std::span<const LoggedValue> values);

  /// Draws the last state and ends the line; give the values of validation here.
  void finish(std::span<const LoggedValue> values);

  /// Draws the state of a pass that ends before its last step, and ends the line.
  void stop(std::span<const LoggedValue> values);

 private:
  [[nodiscard]] double seconds_per_step(double now) const;
  [[nodiscard]] double seconds_left(double now) const;
  void draw(const std::string& time, double now, std::span<const LoggedValue> values, std::string_view end);

  std::ostream& out_;
  ProgressStyle style_;
  i64 total_;
  Clock clock_;
  double start_;
  i64 current_ = 0;
  i64 skipped_ = 0;
  std::optional<double> after_first_step_;
  std::optional<double> drawn_at_;
  std::size_t drawn_width_ = 0;
};

}  // namespace recurra
