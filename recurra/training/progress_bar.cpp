#include "recurra/training/progress_bar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ostream>
#include <utility>

namespace recurra {

namespace {

constexpr double redraw_seconds = 0.05;
constexpr i64 bar_width = 20;

constexpr std::string_view reset = "\x1b[0m";
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view white = "\x1b[37m";
constexpr std::string_view cell = "━";

/// Text and the number of columns it takes on a terminal; escapes take none and a cell takes one.
struct Line {
  std::string text;
  std::size_t width = 0;

  void add(std::string_view plain) {
    text += plain;
    width += plain.size();
  }

  void add_styled(std::string_view style, std::string_view plain) {
    text += style;
    add(plain);
    text += reset;
  }

  void add_cells(std::string_view style, i64 count) {
    text += style;
    for (i64 i = 0; i < count; ++i) text += cell;
    text += reset;
    width += static_cast<std::size_t>(count);
  }
};

/// As printf's %.*f and %.*e, with a point whatever the locale.
std::string number(double value, std::chars_format format, int decimals) {
  if (std::isnan(value)) return "nan";  // a processor's own NaN has the sign bit set and would show it
  std::array<char, 400> digits{};       // the largest double has 309 digits before the point
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, format, decimals);
  return {digits.data(), result.ptr};
}

std::string whole(double value) {
  return number(value, std::chars_format::fixed, 0);
}

std::string padded(i64 value, std::size_t width, char fill) {
  const std::string digits = std::to_string(value);
  return std::string(width > digits.size() ? width - digits.size() : 0, fill) + digits;
}

std::string step_time(double seconds) {
  if (seconds >= 1.0 || seconds == 0.0) return whole(seconds) + "s/step";
  if (seconds >= 1e-3) return whole(seconds * 1e3) + "ms/step";
  return whole(seconds * 1e6) + "us/step";
}

/// `7s`, `1:05`, `1:02:03`; a full minute and a full hour still in the smaller unit, as in Keras.
std::string time_left(double seconds) {
  const auto left = static_cast<i64>(seconds);
  if (seconds > 3600) {
    return std::to_string(left / 3600) + ":" + padded(left % 3600 / 60, 2, '0') + ":" +
           padded(left % 60, 2, '0');
  }
  if (seconds > 60) return std::to_string(left / 60) + ":" + padded(left % 60, 2, '0');
  return std::to_string(left) + "s";
}

std::string text_of(std::span<const LoggedValue> values) {
  std::string text;
  for (const auto& [name, value] : values) {
    const bool plain = std::abs(value) > 1e-3;
    const std::chars_format format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    text.append(" - ").append(name).append(": ").append(number(value, format, 4));
  }
  return text;
}

/// `  7/938`, or with an unknown total `      7/Unknown`.
std::string count_of(i64 current, i64 total) {
  if (total <= 0) return padded(current, 7, ' ') + "/Unknown";
  const std::string digits = std::to_string(total);
  return padded(current, digits.size(), ' ') + "/" + digits;
}

void add_bar(Line& line, i64 current, i64 total) {
  if (total <= 0) {
    line.add(count_of(current, total));
    return;
  }
  line.add_styled(bold, count_of(current, total));
  line.add(" ");
  const double fraction = static_cast<double>(current) / static_cast<double>(total);
  const i64 done = std::min(bar_width, static_cast<i64>(bar_width * fraction));
  if (done > 0) line.add_cells(green, done);
  line.add_cells(white, bar_width - done);
}

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

ProgressBar::ProgressBar(std::ostream& out, ProgressStyle style, i64 total, Clock clock)
    : out_(out), style_(style), total_(total), clock_(std::move(clock)), start_(clock_()) {}

double ProgressBar::seconds_per_step(double now) const {
  const i64 steps = current_ - skipped_;
  if (steps <= 0) return 0.0;
  if (after_first_step_ && steps > 1) return (now - *after_first_step_) / static_cast<double>(steps - 1);
  return (now - start_) / static_cast<double>(steps);
}

double ProgressBar::seconds_left(double now) const {
  return seconds_per_step(now) * static_cast<double>(total_ - current_);
}

void ProgressBar::update(i64 current, std::span<const LoggedValue> values) {
  current_ = current;
  if (style_ == ProgressStyle::lines) return;
  const double now = clock_();
  if (current == skipped_ + 1) after_first_step_ = now;
  if (drawn_at_ && now - *drawn_at_ < redraw_seconds) return;
  draw(total_ > 0 ? time_left(seconds_left(now)) : whole(now - start_) + "s", now, values, "");
}

void ProgressBar::finish(std::span<const LoggedValue> values) {
  if (total_ <= 0) total_ = current_;
  current_ = total_;
  stop(values);
}

void ProgressBar::stop(std::span<const LoggedValue> values) {
  const double now = clock_();
  const std::string elapsed = whole(now - start_) + "s";
  if (style_ == ProgressStyle::terminal) {
    draw(elapsed, now, values, "\n");
    return;
  }
  out_ << count_of(current_, total_) << " - " << elapsed << " - " << step_time(seconds_per_step(now))
       << text_of(values) << '\n'
       << std::flush;
}

void ProgressBar::draw(const std::string& time,
                       double now,
                       std::span<const LoggedValue> values,
                       std::string_view end) {
  Line line;
  add_bar(line, current_, total_);
  line.add(" ");
  line.add_styled(bold, time);
  line.add(" ");
  line.add(step_time(seconds_per_step(now)));
  line.add(text_of(values));
  const std::size_t leftover = drawn_width_ > line.width ? drawn_width_ - line.width : 0;
  out_ << std::string(drawn_width_, '\b') << '\r' << line.text << std::string(leftover, ' ') << end
       << std::flush;
  drawn_width_ = line.width;
  drawn_at_ = now;
}

}  // namespace recurra
