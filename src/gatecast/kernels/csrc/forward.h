// A recurrence over time for a chunk of rows: one step after the other, each in one or two sweeps over the units.
#pragma once

#include "pool.h"
#include "sweeps.h"

constexpr int64_t FAR = 1 << 21;  // numbers saved by a pass above which the nearer caches would lose them anyway

template <class Cell>
struct Forward : Sweeps<Cell> {
    using Base = Sweeps<Cell>;
    using Base::far, Base::h, Base::h_next, Base::memory, Base::padded, Base::plane, Base::s, Base::saved_row;
    Forward(const Sequence& s, const Packed& p) : Base{s, p} { far = s.steps * s.batch * saved_row > FAR; }
    float* x_rows = nullptr;

    // The rows [from, to) through all time.
    void run(int64_t from, int64_t to) {
        const int64_t count = to - from;
        plane = count * padded;
        h = scratch(Use::ROWS, (2 + Base::PLANES) * plane + count * s.input);
        h_next = h + plane, memory = h_next + plane, x_rows = memory + Base::PLANES * plane;
        read_states(h, 0, from, count);
        std::memcpy(h_next, h, plane * sizeof(float));  // rows that begin later find their state in either
        if (Cell::MEMORIES) read_states(memory, 1, from, count);
        for (int64_t t = 0, now = alive(0, from, to), next; t < s.steps; ++t, now = next) {
            step(t, from, now);
            next = t + 1 < s.steps ? alive(t + 1, from, to) : 0;
            if (next >= now) continue;
            write_states(h, 0, from, next, now);  // of the rows that end here
            if (Cell::MEMORIES) write_states(memory, 1, from, next, now);
        }
        if (far) finish_stores();
    }

    // How many of the rows [from, to) have a step t; they are the first.
    int64_t alive(int64_t t, int64_t from, int64_t to) const {
        return std::max<int64_t>(0, std::min(s.rows_at(t), to) - from);
    }

    void step(int64_t t, int64_t from, int64_t count) {
        typename Base::Step now{s.x_at(t, from), s.x_row, s.saved == nullptr ? nullptr : s.saved + s.saved_at(t, from) * saved_row};
        if (s.x_feature != 1) now.x = contiguous(now.x, count), now.x_row = s.input;
        Base::template sweep<0>(now, count);
        if constexpr (Cell::TWICE) Base::template sweep<1>(now, count);
        std::swap(h, h_next);
        for (int64_t r = 0; r < count; ++r) copy(s.out_at(t, from + r), h + r * padded, s.hidden);
    }

    void read_states(float* to, int which, int64_t from, int64_t count) const {
        std::memset(to, 0, count * padded * sizeof(float));
        for (int64_t r = 0; r < count && s.first[which] != nullptr; ++r)
            std::memcpy(to + r * padded, s.first[which] + (from + r) * s.first_row[which], s.hidden * sizeof(float));
    }

    void write_states(const float* states, int which, int64_t from, int64_t r, int64_t end) const {
        for (; r < end && s.last[which] != nullptr; ++r)
            std::memcpy(s.last[which] + (from + r) * s.hidden, states + r * padded, s.hidden * sizeof(float));
    }

    const float* contiguous(const float* x, int64_t count) {
        for (int64_t r = 0; r < count; ++r)
            for (int64_t i = 0; i < s.input; ++i) x_rows[r * s.input + i] = x[r * s.x_row + i * s.x_feature];
        return x_rows;
    }
};

// All rows, in chunks that keep a chunk's states in the nearest cache.
template <class Cell>
void forward(const Sequence& s, const Packed& p) {
    over_rows(s.batch, GRAIN, s.useful_threads(), [&](int64_t, int64_t first, int64_t last) {
        const QuietFloats quiet;
        for (int64_t row = first; row < last; row += CHUNK) Forward<Cell>(s, p).run(row, std::min(row + CHUNK, last));
    });
}
