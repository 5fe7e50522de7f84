/// The work behind forward and backward, between binding and finishing, for who runs several at once.
///
/// Private to the library.
#pragma once

#include <span>

#include "recurra/engine/engine.h"
#include "recurra/engine/memory.h"
#include "recurra/engine/schedule.h"

namespace recurra {

/// Throw as forward and backward, before anything has changed.
void check_forward(const Job& job, bool training, const Execution& execution);
void check_backward(const Job& job, const Execution& execution);

/// Binds the memory of a call that was checked.
void begin_forward(const Job& job, bool training, const Execution& execution) noexcept;

/// The same, and takes what a training forward left, which serves no other.
void begin_backward(const Job& job) noexcept;

/// One member's share of the work of `steps`, processed steps behind those of an earlier call of it: on the
/// way forward from step 0 on, on the way back from the last one down, in parts that begin at multiples of
/// the chunk of the way back.
void run_forward(const Job& job, const Split& split, Crew& crew, Steps steps) noexcept;
void run_backward(const Job& job, const Split& split, Crew& crew, Steps steps) noexcept;

/// Copies final states to the caller, and fills the steps of y that do not count; what finish_gradients is to
/// the way back.
void finish(const Job& job) noexcept;

/// A new report of a job that was begun.
void begin_report(const Job& job) noexcept;

/// How a job is split over at most execution.threads. Throws as threads_of.
[[nodiscard]] Split split_of(const Job& job, const Execution& execution);

/// Either of run_forward and run_backward, with a note in the report.
void run_part(const Job& job, const Split& split, Crew& crew, Steps steps) noexcept;

/// Gradients that are final only when the whole crew is done.
void finish_gradients(const Job& job) noexcept;

/// Runs what was begun, one job or two, on the execution's team, and finishes it. Two run at once, each on
/// half of the team, where each then finds its weights in its own caches; else one after the other.
/// `continues`: the reports are of the calls before it too.
void run_jobs(std::span<const Job> jobs, const Execution& execution, bool continues = false);

}  // namespace recurra
