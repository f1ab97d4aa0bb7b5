// Cells whose units do not meet between steps: gates = W x + b, then h' of each unit from its gates and its own h.  So the
// product with W, the gates and the step are one pass over time, and the states stay where the step before has written
// them, in the output.
//
// A Cell says how many GATES it has, whether a unit has a weight u of its OWN for its state, and how a unit goes on (`next`)
// and back (`gradients`).
#pragma once

#include <algorithm>

#include "arguments.h"
#include "functions.h"
#include "packing.h"
#include "pool.h"
#include "tile.h"

constexpr int64_t FEW_INPUTS = 32;  // up to here W x + b is made once more sooner than it comes back from memory
constexpr int64_t GATE_WORK = 8;  // what a gate costs beside its product, counted in multiplications

// Where each part of a pack starts, in floats: biases (blocks, gates, LANES), W (blocks, I, gates, LANES), u (units), and
// for the backward pass W by panels of inputs.
template <class Cell>
struct ScanLayout {
    static constexpr int G = Cell::GATES;
    ScanLayout(int64_t input, int64_t hidden) {
        const int64_t units = padded(hidden);
        W = G * units;
        u = W + input * G * units;
        forward_end = u + (Cell::OWN ? units : 0);
        end = forward_end + G * units * panels(input) * PANEL;
    }
    int64_t W, u, forward_end, end;
};

template <class Cell>
void pack_scan(float* to, const RawWeights& w, bool for_backward) {
    constexpr int ORDER[] = {0, 1, 2};
    const ScanLayout<Cell> at(w.input, w.hidden);
    std::memset(to, 0, at.W * sizeof(float));
    if (w.b != nullptr) pack_matrix(to, w.b, Cell::GATES, w.hidden, 1);
    pack_matrix(to + at.W, w.W, Cell::GATES, w.hidden, w.input);
    if (Cell::OWN) pack_matrix(to + at.u, w.U, 1, w.hidden, 1);
    if (for_backward) pack_back(to + at.forward_end, w.W, ORDER, Cell::GATES, w.hidden, w.input);
}

template <class Cell>
struct Scan {
    static constexpr int G = Cell::GATES;
    static constexpr int R = SUMS / G > 8 ? 8 : SUMS / G;  // rows of a tile
    const Sequence& s;
    const float* pack;
    ScanLayout<Cell> at{s.input, s.hidden};
    int64_t blocks = padded(s.hidden) / LANES;

    int64_t useful_threads() const {
        return s.steps * s.batch * s.hidden * G * (s.input + GATE_WORK) < WORTH ? 1 : s.threads;
    }
    int part(int64_t block) const { return static_cast<int>(std::min<int64_t>(LANES, s.hidden - block * LANES)); }
    vec u(int64_t block) const { return Cell::OWN ? load(pack + at.u + block * LANES) : vec{}; }
    float* saved(int64_t t, int64_t row, int64_t block) const {
        return s.saved + (s.saved_at(t, row) * blocks + block) * G * LANES;
    }

    // The states of a row and a block of units before step t.
    INLINE vec before(int64_t t, int64_t row, int64_t block) const {
        const float* of = s.before(t, row);
        return of == nullptr ? vec{} : load_part(of + block * LANES, part(block));
    }

    // W x + b of N rows for a block of units.
    template <int N>
    INLINE void gates(vec (&acc)[N][G], int64_t block, const float* x, int64_t row, int64_t feature) const {
#pragma GCC unroll 8
        for (int i = 0; i < N; ++i)
#pragma GCC unroll 4
            for (int gate = 0; gate < G; ++gate) acc[i][gate] = load(pack + (block * G + gate) * LANES);
        const Pack weights{pack + at.W + block * s.input * G * LANES, G * LANES, 0};
        accumulate<N, 1, G>(acc, x, row, feature, weights, s.input);
    }

    template <int N>
    INLINE void tile(int64_t t, int64_t row, int64_t block) const {
        vec acc[N][G];
        gates(acc, block, s.x_at(t, row), s.x_row, s.x_feature);
        const vec own = u(block);
#pragma GCC unroll 8
        for (int i = 0; i < N; ++i) {
            if (s.saved != nullptr)
#pragma GCC unroll 4
                for (int gate = 0; gate < G; ++gate) store(saved(t, row + i, block) + gate * LANES, acc[i][gate]);
            float* h = s.out_at(t, row + i) + block * LANES;
            store_part(h, Cell::next(acc[i], own, before(t, row + i, block)), part(block));
        }
    }

    // The rows [from, to) through all time.
    void run(int64_t from, int64_t to) const {
        for (int64_t t = 0; t < s.steps; ++t) {
            const int64_t end = std::min(s.rows_at(t), to), next = t + 1 < s.steps ? std::min(s.rows_at(t + 1), to) : from;
            for (int64_t block = 0; block < blocks; ++block) {
                int64_t row = from;
                for (; row + R <= end; row += R) tile<R>(t, row, block);
                for (; row < end; ++row) tile<1>(t, row, block);
            }
            for (int64_t row = std::max(from, next); row < end && s.last[0]; ++row)  // the rows that end here
                copy(s.last[0] + row * s.hidden, s.out_at(t, row), s.hidden);
        }
    }
};

// All rows, in chunks whose outputs of the step before are still in the nearest cache.
template <class Cell>
void scan_forward(const Sequence& s, const float* pack) {
    const Scan<Cell> scan{s, pack};
    over_rows(s.batch, GRAIN, scan.useful_threads(), [&](int64_t, int64_t first, int64_t last) {
        const QuietFloats quiet;
        for (int64_t row = first; row < last; row += CHUNK) scan.run(row, std::min(row + CHUNK, last));
    });
}
