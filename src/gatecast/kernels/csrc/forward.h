// A recurrence over time for a chunk of rows, for cells of the form: gates = W x + b + U h + c, then one step unit by unit.
//
// A Cell says how many GATES it has, how many numbers of each unit the backward pass wants SAVED, how many states it has
// beside h (MEMORIES), whether its last gate keeps the input's part and the state's part apart (SPLIT), and how a unit
// goes on (`finish`).
#pragma once

#include <algorithm>

#include "arguments.h"
#include "pool.h"
#include "tile.h"

constexpr int64_t FAR = 1 << 21;  // numbers saved by a pass above which the nearer caches would lose them anyway

// Where one row's unit block stands.
struct Place {
    const float* h;  // h before the step
    float* h_next;   // h after it
    float* memory;   // the cell state of the LSTM, changed in place
    float* saved;    // what the backward pass wants, or null
    bool far;        // whether it is written past the caches, which spares reading the lines before

    INLINE void save(int number, vec value) const {
        if (far) store_past_caches(saved + number * LANES, value);
        else store(saved + number * LANES, value);
    }
};

template <class Cell>
struct Forward {
    static constexpr int G = Cell::GATES, BIASES = G + (Cell::SPLIT ? 1 : 0);
    const Sequence& s;
    const Packed& p;
    int64_t blocks = (s.hidden + LANES - 1) / LANES, padded = blocks * LANES;
    bool far = s.steps * s.batch * blocks * Cell::SAVED * LANES > FAR;
    float *h = nullptr, *h_next = nullptr, *memory = nullptr, *x_rows = nullptr;

    // R rows and N blocks of units, from the chunk's row r on.
    template <int R, int N>
    INLINE void tile(int64_t r, int64_t block, const float* x, int64_t x_row, float* saved, int64_t saved_row) {
        vec acc[R][N * G], held[R][N];
        const float* bias = p.bias + block * BIASES * LANES;
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 16
            for (int c = 0; c < N * G; ++c) acc[i][c] = load(bias + ((c / G) * BIASES + c % G) * LANES);
        accumulate<R, N, G>(acc, x, x_row, 1, p.input_block(block, s.input, G), s.input);
        if (Cell::SPLIT)
#pragma GCC unroll 8
            for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) {
                    held[i][n] = acc[i][n * G + G - 1];
                    acc[i][n * G + G - 1] = load(bias + (n * BIASES + G) * LANES);
                }
        accumulate<R, N, G>(acc, h + r * padded, padded, 1, p.state_block(block, s.hidden, G), s.hidden);
        constexpr int M = together(R * N);
#pragma GCC unroll 24
        for (int first = 0; first < R * N; first += M) {
            vec gates[M][G], input[M];
            Place at[M];
            EACH(m, M) {
                const int i = (first + m) / N, n = (first + m) % N;
                const int64_t unit = (r + i) * padded + (block + n) * LANES;
                float* keep = saved == nullptr ? nullptr : saved + i * saved_row + (block + n) * Cell::SAVED * LANES;
                at[m] = Place{h + unit, h_next + unit, memory + unit, keep, far};
                input[m] = held[i][n];
                EACH(g, G) gates[m][g] = acc[i][n * G + g];
            }
            Cell::finish(gates, input, at);
        }
    }

    // How many vectors of units go through the gates side by side.
    static constexpr int together(int all) { return all % 4 == 0 ? 4 : all % 3 == 0 ? 3 : all % 2 == 0 ? 2 : 1; }

    // R rows over all blocks, N at a time.
    template <int R>
    void rows(int64_t r, const float* x, int64_t x_row, float* saved, int64_t saved_row) {
        constexpr int N = SUMS / (G * R) > 4 ? 4 : SUMS / (G * R) > 1 ? SUMS / (G * R) : 1;
        int64_t block = 0;
        for (; block + N <= blocks; block += N) tile<R, N>(r, block, x, x_row, saved, saved_row);
        for (; block < blocks; ++block) tile<R, 1>(r, block, x, x_row, saved, saved_row);
    }

    // One step of `count` rows; x and saved are those of the first row.
    void step(int64_t count, const float* x, int64_t x_row, float* saved, int64_t saved_row) {
        constexpr int R = SUMS / G > 8 ? 8 : SUMS / G, N = SUMS / (G * R);
        const auto from = [&](int64_t r) { return saved == nullptr ? nullptr : saved + r * saved_row; };
        int64_t whole = count / R * R;
        if (R == 6 && whole && count - whole == 2) whole -= R;  // 4 and 4 rows, not 6 and 2
        for (int64_t block = 0; block < blocks && whole;) {
            const bool wide = block + N <= blocks;
            for (int64_t r = 0; r < whole; r += R) {
                if (wide) tile<R, N>(r, block, x + r * x_row, x_row, from(r), saved_row);
                else tile<R, 1>(r, block, x + r * x_row, x_row, from(r), saved_row);
            }
            block += wide ? N : 1;
        }
        int64_t r = whole;
        for (; r + 4 <= count; r += 4) rows<4>(r, x + r * x_row, x_row, from(r), saved_row);
        for (; r + 2 <= count; r += 2) rows<2>(r, x + r * x_row, x_row, from(r), saved_row);
        for (; r < count; ++r) rows<1>(r, x + r * x_row, x_row, from(r), saved_row);
    }

    // The rows [from, to) through all time.
    void run(int64_t from, int64_t to) {
        const int64_t count = to - from;
        float* room = scratch(Use::ROWS, count * (2 * padded + Cell::MEMORIES * padded + s.input));
        h = room, h_next = h + count * padded, memory = h_next + count * padded;
        x_rows = memory + Cell::MEMORIES * count * padded;
        read_states(h, 0, from, count);
        if (Cell::MEMORIES) read_states(memory, 1, from, count);
        const int64_t saved_row = blocks * Cell::SAVED * LANES;
        for (int64_t t = 0; t < s.steps; ++t) {
            const float* x = s.x + t * s.x_step + from * s.x_row;
            int64_t x_row = s.x_row;
            if (s.x_feature != 1) x = contiguous(x, count), x_row = s.input;
            step(count, x, x_row, s.saved == nullptr ? nullptr : s.saved + (t * s.batch + from) * saved_row, saved_row);
            std::swap(h, h_next);
            for (int64_t r = 0; r < count; ++r)
                copy(s.out + t * s.out_step + (from + r) * s.out_row, h + r * padded, s.hidden);
        }
        if (far) finish_stores();
        write_states(h, 0, from, count);
        if (Cell::MEMORIES) write_states(memory, 1, from, count);
    }

    void read_states(float* to, int which, int64_t from, int64_t count) const {
        std::memset(to, 0, count * padded * sizeof(float));
        for (int64_t r = 0; r < count && s.first[which] != nullptr; ++r)
            std::memcpy(to + r * padded, s.first[which] + (from + r) * s.first_row[which], s.hidden * sizeof(float));
    }

    void write_states(const float* states, int which, int64_t from, int64_t count) const {
        for (int64_t r = 0; r < count && s.last[which] != nullptr; ++r)
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
        for (int64_t row = first; row < last; row += CHUNK) Forward<Cell>{s, p}.run(row, std::min(row + CHUNK, last));
    });
}
