#include "recurra/training/progress_bar.h"

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace recurra {

namespace {

/// A bar that writes to a string, with a clock that the test sets.
class Bar {
 public:
  Bar(ProgressStyle style, i64 total) : bar_(out_, style, total, [this] { return now_; }) {}

  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  /// What `update` wrote `seconds` after the beginning.
  std::string update(double seconds, i64 current, const std::vector<LoggedValue>& values = {}) {
    now_ = start + seconds;
    bar_.update(current, values);
    return taken();
  }

  std::string finish(double seconds, const std::vector<LoggedValue>& values = {}) {
    now_ = start + seconds;
    bar_.finish(values);
    return taken();
  }

  std::string stop(double seconds, const std::vector<LoggedValue>& values = {}) {
    now_ = start + seconds;
    bar_.stop(values);
    return taken();
  }

  void skip(i64 steps) { bar_.skip(steps); }

 private:
  static constexpr double start = 1000.0;

  std::string taken() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  double now_ = start;
  std::ostringstream out_;
  ProgressBar bar_;
};

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::string cells(int count) {
  return repeated("━", count);
}

std::string back(int count) {
  return repeated("\b", count) + "\r";
}

/// The part of a drawing from the time on, without its style.
std::string time_in(const std::string& drawing) {
  const std::size_t begin = drawing.rfind("\x1b[1m") + 4;
  return drawing.substr(begin, drawing.rfind("\x1b[0m") - begin);
}

TEST(ProgressBar, draws_the_first_step) {
  Bar bar(ProgressStyle::terminal, 938);
  EXPECT_EQ(bar.update(0.5, 1, {{"accuracy", 0.125}, {"loss", 2.3026}}),
            "\r\x1b[1m  1/938\x1b[0m \x1b[37m" + cells(20) +
                "\x1b[0m \x1b[1m7:48\x1b[0m 500ms/step - accuracy: 0.1250 - loss: 2.3026");
}

TEST(ProgressBar, redraws_in_place_with_the_done_part_in_green) {
  Bar bar(ProgressStyle::terminal, 100);
  (void)bar.update(1.0, 1);
  // 7 columns of count, a space, 20 cells, a space, "1:39", a space, "1s/step".
  EXPECT_EQ(bar.update(1.2, 51),
            back(41) + "\x1b[1m 51/100\x1b[0m \x1b[32m" + cells(10) + "\x1b[0m\x1b[37m" + cells(10) +
                "\x1b[0m \x1b[1m0s\x1b[0m 4ms/step ");
}

TEST(ProgressBar, redraws_at_most_every_twentieth_second) {
  Bar bar(ProgressStyle::terminal, 100);
  EXPECT_NE(bar.update(0.01, 1), "");
  EXPECT_EQ(bar.update(0.03, 2), "");
  EXPECT_EQ(bar.update(0.0599, 3), "");
  EXPECT_NE(bar.update(0.0601, 4), "");
  EXPECT_EQ(bar.update(0.1, 5), "");
}

TEST(ProgressBar, finishes_whenever_the_last_drawing_was_and_ends_the_line) {
  Bar bar(ProgressStyle::terminal, 5);
  (void)bar.update(2.0, 1);
  (void)bar.update(2.01, 5);
  // The steps' time is that of steps 2 to 5: 0.4 s / 4.
  EXPECT_EQ(
      bar.finish(2.4, {{"accuracy", 0.45}, {"loss", 0.9345}, {"val_accuracy", 0.5}, {"val_loss", 0.0001}}),
      back(35) + "\x1b[1m5/5\x1b[0m \x1b[32m" + cells(20) + "\x1b[0m\x1b[37m\x1b[0m \x1b[1m2s\x1b[0m " +
          "100ms/step - accuracy: 0.4500 - loss: 0.9345 - val_accuracy: 0.5000 - val_loss: 1.0000e-04\n");
}

TEST(ProgressBar, covers_what_a_longer_drawing_left) {
  Bar bar(ProgressStyle::terminal, 10);
  (void)bar.update(1.0, 1, {{"loss", 0.0001}});
  const std::string shorter = bar.update(2.0, 2, {{"loss", 0.5}});
  EXPECT_TRUE(shorter.ends_with("loss: 0.5000    ")) << shorter;
}

TEST(ProgressBar, writes_one_plain_line_where_there_is_no_terminal) {
  Bar bar(ProgressStyle::lines, 938);
  EXPECT_EQ(bar.update(0.5, 1, {{"loss", 2.0}}), "");
  EXPECT_EQ(bar.update(1.5, 938, {{"loss", 1.2}}), "");
  EXPECT_EQ(bar.finish(1.876, {{"accuracy", 0.5}, {"loss", 1.2}}),
            "938/938 - 2s - 2ms/step - accuracy: 0.5000 - loss: 1.2000\n");
}

TEST(ProgressBar, stops_where_it_is) {
  Bar lines(ProgressStyle::lines, 938);
  (void)lines.update(0.5, 1);
  (void)lines.update(1.0, 2);
  EXPECT_EQ(lines.stop(1.0, {{"loss", 2.0}}), "  2/938 - 1s - 500ms/step - loss: 2.0000\n");
  Bar terminal(ProgressStyle::terminal, 4);
  (void)terminal.update(0.5, 1);
  const std::string text = terminal.stop(0.5);
  EXPECT_NE(text.find("\x1b[1m1/4\x1b[0m \x1b[32m" + cells(5)), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("500ms/step\n")) << text;
}

TEST(ProgressBar, gives_no_time_to_steps_that_were_done_before) {
  Bar bar(ProgressStyle::terminal, 103);
  bar.skip(100);
  EXPECT_EQ(time_in(bar.update(1.0, 101)), "2s");
  EXPECT_EQ(time_in(bar.update(1.5, 102)), "0s");
  EXPECT_TRUE(bar.finish(2.0).ends_with(" 500ms/step\n"));
}

TEST(ProgressBar, leaves_the_first_step_out_of_the_estimate) {
  Bar bar(ProgressStyle::terminal, 100);
  EXPECT_TRUE(bar.update(5.0, 1).ends_with(" 5s/step"));
  EXPECT_TRUE(bar.update(5.2, 2).ends_with(" 200ms/step"));
  EXPECT_TRUE(bar.update(6.2, 5).ends_with(" 300ms/step"));
}

TEST(ProgressBar, shows_the_time_left_in_seconds_minutes_and_hours) {
  const auto time_left = [](double seconds_a_step, i64 steps_left) {
    Bar bar(ProgressStyle::terminal, steps_left + 2);
    (void)bar.update(100.0, 1);
    return time_in(bar.update(100.0 + seconds_a_step, 2));
  };
  EXPECT_EQ(time_left(1.0, 7), "7s");
  EXPECT_EQ(time_left(0.5, 15), "7s");
  EXPECT_EQ(time_left(1.0, 60), "60s");
  EXPECT_EQ(time_left(1.0, 65), "1:05");
  EXPECT_EQ(time_left(1.0, 3600), "60:00");
  EXPECT_EQ(time_left(1.0, 3723), "1:02:03");
}

TEST(ProgressBar, shows_the_time_of_a_step_in_the_unit_that_fits) {
  const auto step = [](double seconds) {
    Bar bar(ProgressStyle::lines, 1);
    (void)bar.update(seconds, 1);
    const std::string line = bar.finish(seconds);
    return line.substr(line.rfind("- ") + 2);
  };
  EXPECT_EQ(step(0.0), "0s/step\n");
  EXPECT_EQ(step(0.0000126), "13us/step\n");
  EXPECT_EQ(step(0.0011), "1ms/step\n");
  EXPECT_EQ(step(0.264), "264ms/step\n");
  EXPECT_EQ(step(0.9999), "1000ms/step\n");
  EXPECT_EQ(step(2.4), "2s/step\n");
}

TEST(ProgressBar, shows_values_in_the_form_that_fits) {
  const auto shown = [](double value) {
    Bar bar(ProgressStyle::lines, 1);
    const std::string line = bar.finish(1.0, {{"v", value}});
    return line.substr(line.find("v: ") + 3);
  };
  EXPECT_EQ(shown(0.46875), "0.4688\n");
  EXPECT_EQ(shown(123456.0), "123456.0000\n");
  EXPECT_EQ(shown(0.00101), "0.0010\n");
  EXPECT_EQ(shown(0.001), "1.0000e-03\n");
  EXPECT_EQ(shown(0.0), "0.0000e+00\n");
  EXPECT_EQ(shown(-0.5), "-0.5000\n");
  EXPECT_EQ(shown(-2.5e-7), "-2.5000e-07\n");
  EXPECT_EQ(shown(std::numeric_limits<double>::max()).size(), 309U + 6U);
  EXPECT_EQ(shown(std::numeric_limits<double>::infinity()), "inf\n");
  EXPECT_EQ(shown(std::copysign(std::numeric_limits<double>::quiet_NaN(), -1.0)), "nan\n");
}

TEST(ProgressBar, counts_to_an_unknown_total) {
  Bar bar(ProgressStyle::terminal, 0);
  EXPECT_EQ(bar.update(3.0, 1), "\r      1/Unknown \x1b[1m3s\x1b[0m 3s/step");
  EXPECT_EQ(bar.update(4.0, 2), back(26) + "      2/Unknown \x1b[1m4s\x1b[0m 1s/step");
  EXPECT_EQ(bar.finish(4.0),
            back(26) + "\x1b[1m2/2\x1b[0m \x1b[32m" + cells(20) +
                "\x1b[0m\x1b[37m\x1b[0m \x1b[1m4s\x1b[0m 1s/step\n");
}

TEST(ProgressBar, draws_no_more_than_a_full_bar) {
  Bar bar(ProgressStyle::terminal, 2);
  EXPECT_EQ(
      bar.update(1.0, 3),
      "\r\x1b[1m3/2\x1b[0m \x1b[32m" + cells(20) + "\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 333ms/step");
}

TEST(ProgressBar, the_steady_clock_goes_forward) {
  const double before = steady_seconds();
  EXPECT_GE(steady_seconds(), before);
}

}  // namespace

}  // namespace recurra
