// One step of a chunk of rows, for cells of the form: gates = W x + b + U h + c, then from unit to unit how it goes on.
//
// A Cell says how many GATES it has, how many numbers of each unit the backward pass wants SAVED, how many states it has
// beside h (MEMORIES), whether its last gate keeps the input's part and the state's part apart (SPLIT), and how a unit
// goes on (`finish`).  The last gate of a cell that reads the state TWICE reads what the others left of it; such a cell
// takes a step in two sweeps over its units, and `open` is the first.
#pragma once

#include <algorithm>

#include "arguments.h"
#include "functions.h"
#include "tile.h"

// Where one row's unit block stands.
struct Place {
    const float* h;  // h before the step
    float* h_next;   // h after it
    float* memory;   // the cell state of the LSTM, changed in place; or what a first sweep leaves to the second
    int64_t plane;   // from a number in memory to the next
    float* saved;    // what the backward pass wants, or null
    bool far;        // whether it is written past the caches, which spares reading the lines before

    INLINE void save(int number, vec value) const {
        if (far) store_past_caches(saved + number * LANES, value);
        else store(saved + number * LANES, value);
    }
};

template <class Cell>
struct Sweeps {
    static constexpr int G = Cell::GATES, BIASES = G + (Cell::SPLIT ? 1 : 0);
    static constexpr int PLANES = Cell::TWICE ? 3 : Cell::MEMORIES;
    const Sequence& s;
    const Packed& p;
    int64_t blocks = (s.hidden + LANES - 1) / LANES, padded = blocks * LANES, saved_row = blocks * Cell::SAVED * LANES;
    bool far = false;
    float *h = nullptr, *h_next = nullptr, *memory = nullptr;
    int64_t plane = 0;

    // What one step reads and saves, from the chunk's first row on.
    struct Step {
        const float* x;
        int64_t x_row;
        float* saved;
    };

    INLINE Place place(const Step& now, int64_t row, int64_t block) const {
        const int64_t unit = row * padded + block * LANES;
        float* saved = now.saved == nullptr ? nullptr : now.saved + row * saved_row + block * Cell::SAVED * LANES;
        return {h + unit, h_next + unit, memory + unit, plane, saved, far};
    }

    // R rows and N blocks of units, from the row r on.
    template <int R, int N, int SWEEP>
    INLINE void tile(const Step& now, int64_t r, int64_t block) const {
        if constexpr (!Cell::TWICE) only<R, N>(now, r, block);
        else if constexpr (SWEEP == 0) first<R, N>(now, r, block);
        else second<R, N>(now, r, block);
    }

    // How many vectors of units go through the gates side by side.
    static constexpr int together(int all) { return all % 4 == 0 ? 4 : all % 3 == 0 ? 3 : all % 2 == 0 ? 2 : 1; }

    template <int R, int N>
    INLINE void only(const Step& now, int64_t r, int64_t block) const {
        vec acc[R][N * G], input[R][N];
        add_inputs<R, N>(acc, now, r, block);
        if (Cell::SPLIT)
            EACH(i, R)
                EACH(n, N) {
                    input[i][n] = acc[i][n * G + G - 1];
                    acc[i][n * G + G - 1] = load(p.bias + ((block + n) * BIASES + G) * LANES);
                }
        accumulate<R, N, G>(acc, h + r * padded, padded, 1, p.state_block(block, s.hidden, G), s.hidden);
        constexpr int M = together(R * N);
#pragma GCC unroll 24
        for (int from = 0; from < R * N; from += M) {
            vec gates[M][G], kept[M];
            Place at[M];
            EACH(m, M) {
                const int i = (from + m) / N, n = (from + m) % N;
                at[m] = place(now, r + i, block + n);
                kept[m] = input[i][n];
                EACH(g, G) gates[m][g] = acc[i][n * G + g];
            }
            Cell::finish(gates, kept, at);
        }
    }

    // acc = W x + b
    template <int R, int N>
    INLINE void add_inputs(vec (&acc)[R][N * G], const Step& now, int64_t r, int64_t block) const {
        EACH(i, R)
            EACH(c, N * G) acc[i][c] = load(p.bias + ((block + c / G) * BIASES + c % G) * LANES);
        accumulate<R, N, G>(acc, now.x + r * now.x_row, now.x_row, 1, p.input_block(block, s.input, G), s.input);
    }

    // All gates but the last, which is left with its input's part.
    template <int R, int N>
    INLINE void first(const Step& now, int64_t r, int64_t block) const {
        vec acc[R][N * G], early[R][N * (G - 1)];
        add_inputs<R, N>(acc, now, r, block);
        EACH(i, R)
            EACH(c, N * (G - 1)) early[i][c] = acc[i][c / (G - 1) * G + c % (G - 1)];
        accumulate<R, N, G - 1>(early, h + r * padded, padded, 1, p.state_block(block, s.hidden, G), s.hidden);
        constexpr int M = together(R * N);
#pragma GCC unroll 24
        for (int from = 0; from < R * N; from += M) {
            vec gates[M][G];
            Place at[M];
            EACH(m, M) {
                const int i = (from + m) / N, n = (from + m) % N;
                at[m] = place(now, r + i, block + n);
                gates[m][G - 1] = acc[i][n * G + G - 1];
                EACH(g, G - 1) gates[m][g] = early[i][n * (G - 1) + g];
            }
            Cell::open(gates, at);
        }
    }

    // The last gate, which reads the first plane of what `open` left.
    template <int R, int N>
    INLINE void second(const Step& now, int64_t r, int64_t block) const {
        vec acc[R][N];
        EACH(i, R)
            EACH(n, N) acc[i][n] = Cell::input(place(now, r + i, block + n));
        Pack last = p.state_block(block, s.hidden, G);
        last.data += (G - 1) * LANES;
        accumulate<R, N, 1>(acc, memory + r * padded, padded, 1, last, s.hidden);
        constexpr int M = together(R * N);
#pragma GCC unroll 24
        for (int from = 0; from < R * N; from += M) {
            vec gate[M];
            Place at[M];
            EACH(m, M) {
                const int i = (from + m) / N, n = (from + m) % N;
                at[m] = place(now, r + i, block + n);
                gate[m] = acc[i][n];
            }
            Cell::finish(gate, at);
        }
    }

    // Gates that a sweep sums up: of the second only the last one.
    static constexpr int summed(int sweep) { return sweep == 0 ? G : 1; }

    // R rows over all blocks, N at a time.
    template <int R, int SWEEP>
    void rows(const Step& now, int64_t r) const {
        constexpr int FIT = SUMS / (summed(SWEEP) * R), N = FIT > 4 ? 4 : FIT > 1 ? FIT : 1;
        int64_t block = 0;
        for (; block + N <= blocks; block += N) tile<R, N, SWEEP>(now, r, block);
        for (; block < blocks; ++block) tile<R, 1, SWEEP>(now, r, block);
    }

    // One sweep over the units of the first `count` rows.
    template <int SWEEP>
    void sweep(const Step& now, int64_t count) const {
        constexpr int FIT = SUMS / summed(SWEEP), R = FIT > 8 ? 8 : FIT, N = FIT / R, FEW = N > 2 ? 2 : 1;
        int64_t whole = count / R * R;
        if (R == 6 && whole && count - whole == 2) whole -= R;  // 4 and 4 rows, not 6 and 2
        for (int64_t block = 0; block < blocks && whole;) {
            const int64_t left = blocks - block;  // 4 are taken as 2 and 2, not as 3 and 1
            const int64_t taken = left >= N && (N != 3 || left != 4) ? N : left >= FEW ? FEW : 1;
            for (int64_t r = 0; r < whole; r += R) {
                if (taken == N) tile<R, N, SWEEP>(now, r, block);
                else if (taken == FEW) tile<R, FEW, SWEEP>(now, r, block);
                else tile<R, 1, SWEEP>(now, r, block);
            }
            block += taken;
        }
        int64_t r = whole;
        for (; r + 4 <= count; r += 4) rows<4, SWEEP>(now, r);
        for (; r + 2 <= count; r += 2) rows<2, SWEEP>(now, r);
        for (; r < count; ++r) rows<1, SWEEP>(now, r);
    }
};
