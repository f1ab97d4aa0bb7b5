// Threads of our own: they sleep between calls, and a forked child starts with none and makes new ones.
#pragma once

#include <cstdint>
#include <functional>

// Run work(part, first, last) over the rows [0, rows), in parts of whole `grain`s, at most `threads` of them at a time.
void over_rows(int64_t rows, int64_t grain, int64_t threads, const std::function<void(int64_t part, int64_t, int64_t)>& work);

// How many parts over_rows makes.
int64_t parts_of(int64_t rows, int64_t grain, int64_t threads);

// Memory of the calling thread that lives as long as the thread does, not cleared.  What one use leaves, the next may find:
// a chunk of rows has one, the sums over all threads of a call another.
enum class Use { ROWS, SUMS };
float* scratch(Use use, int64_t floats);
