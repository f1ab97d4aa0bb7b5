// The way back through time for a chunk of rows: unit by unit through the gates, one product with U for the state before,
// and, for some steps at once, the products that give the gradients of the weights and of x.
//
// A Cell says how many columns of GRADIENTS a unit has.  The first GATES of them, in the order U_ORDER, belong to U; the last
// GATES, in the order of the gates, belong to W.  (They differ where r acts between U and the gate.)
#pragma once

#include <algorithm>

#include "arguments.h"
#include "packing.h"
#include "pool.h"
#include "tile.h"

constexpr int64_t TOGETHER = 128;  // rows x steps whose weight gradients are taken in one product

// The gradients of the weights over some of the rows, transposed: (k, columns).
struct WeightSums {
    WeightSums(float* room, int64_t input, int64_t hidden, int64_t gates)
        : width(gates * padded(hidden)), U(room), W(U + hidden * width), bias(W + input * width) {}
    static int64_t size(int64_t input, int64_t hidden, int64_t gates, int64_t columns) {
        return ((hidden + input) * gates + columns) * padded(hidden);
    }
    int64_t width;
    float *U, *W, *bias;
};

template <class Cell>
struct Backward {
    static constexpr int D = Cell::GRADIENTS, G = Cell::GATES;
    const Sequence& s;
    const Gradients& g;
    const float* U_back;
    const float* W_back;
    WeightSums& sums;
    int64_t units = padded(s.hidden), features = padded(s.input), blocks = units / LANES;
    // Rows lie a vector further apart than they are long: powers of two would all meet in the same few cache lines.
    int64_t h_row = units + LANES, d_row = D * units + LANES;
    int64_t from = 0, count = 0, filled = 0, together = 0;
    float *dh = nullptr, *dc = nullptr, *d = nullptr, *h = nullptr, *x = nullptr, *dx = nullptr;

    // The rows [from, to) from the last step to the first.
    void run(int64_t first, int64_t end) {
        from = first, count = end - first, together = std::max<int64_t>(1, TOGETHER / count);
        const int64_t rows = together * count;
        dh = scratch(Use::ROWS, 2 * count * units + rows * (d_row + h_row + s.input + features));
        dc = dh + count * units, d = dc + count * units, h = d + rows * d_row, x = h + rows * h_row;
        dx = x + rows * s.input;
        read_last(dh, 0);
        read_last(dc, 1);
        std::memset(h, 0, rows * h_row * sizeof(float));
        for (int64_t t = s.steps - 1; t >= 0; --t) {
            step(t);
            if (++filled == together || t == 0) flush(t);
        }
        write_first(dh, 0);
        write_first(dc, 1);
    }

    void step(int64_t t) {
        const int64_t at = filled * count;
        for (int64_t r = 0; r < count; ++r) {
            const float* before = t ? s.out + (t - 1) * s.out_step + (from + r) * s.out_row
                                    : s.first[0] ? s.first[0] + (from + r) * s.first_row[0] : nullptr;
            float* h_before = h + (at + r) * h_row;
            if (before) copy(h_before, before, s.hidden);
            else std::memset(h_before, 0, s.hidden * sizeof(float));
            const float* dy = g.out ? g.out + t * g.out_step + (from + r) * g.out_row : nullptr;
            const float* saved = s.saved + ((t * s.batch + from + r) * blocks) * Cell::SAVED * LANES;
            for (int64_t block = 0; block < blocks; ++block) unit(r, block, h_before, dy, saved + block * Cell::SAVED * LANES);
            const float* x_row = s.x + t * s.x_step + (from + r) * s.x_row;
            for (int64_t i = 0; i < s.input; ++i) x[(at + r) * s.input + i] = x_row[i * s.x_feature];
        }
        for (int64_t r = 0; r < count; r += PRODUCT_ROWS) {
            const int64_t rows = std::min<int64_t>(PRODUCT_ROWS, count - r);
            if (t) fetch(t - 1, r, rows);
            product(rows, blocks, dh + r * units, units, d + (at + r) * d_row, d_row, 1, U_back, PANEL, G * units * PANEL, G * units);
        }
    }

    // Ask for what the step t will read, while there is something else to do.
    void fetch(int64_t t, int64_t r, int64_t rows) const {
        const float* saved = s.saved + ((t * s.batch + from + r) * blocks) * Cell::SAVED * LANES;
        for (int64_t i = 0; i < rows * blocks * Cell::SAVED * LANES; i += 16) __builtin_prefetch(saved + i, 0, 2);
        for (; rows > 0; --rows, ++r) {
            const float* h = t ? s.out + (t - 1) * s.out_step + (from + r) * s.out_row : nullptr;
            const float* dy = g.out ? g.out + t * g.out_step + (from + r) * g.out_row : nullptr;
            for (int64_t i = 0; i < s.hidden; i += 16) {
                if (h) __builtin_prefetch(h + i, 0, 2);
                if (dy) __builtin_prefetch(dy + i, 0, 2);
            }
        }
    }

    INLINE void unit(int64_t r, int64_t block, const float* h_before, const float* dy, const float* saved) {
        const int64_t at = block * LANES;
        const int part = static_cast<int>(std::min<int64_t>(LANES, s.hidden - at));
        vec gradients[D];
        vec total = load(dh + r * units + at);
        if (dy) total += load_part(dy + at, part);
        store(dh + r * units + at, Cell::gradients(saved, load(h_before + at), total, dc + r * units + at, gradients));
        for (int column = 0; column < D; ++column)
            store(d + (filled * count + r) * d_row + column * units + at, gradients[column]);
    }

    // The gradients of the weights and of x for the steps t, t + 1, ... that are filled, newest first.
    void flush(int64_t t) {
        const int64_t rows = filled * count;
        const float* d_input = d + (D - G) * units;
        if (g.U) product(s.hidden, G * blocks, sums.U, sums.width, h, 1, h_row, d, d_row, PANEL, rows);
        if (g.W) product(s.input, G * blocks, sums.W, sums.width, x, 1, s.input, d_input, d_row, PANEL, rows);
        if (g.b || g.c)
            for (int64_t row = 0; row < rows; ++row)
                for (int64_t at = 0; at < D * units; at += LANES)
                    store(sums.bias + at, load(sums.bias + at) + load(d + row * d_row + at));
        if (g.x) {
            std::memset(dx, 0, rows * features * sizeof(float));
            product(rows, features / LANES, dx, features, d_input, d_row, 1, W_back, PANEL, G * units * PANEL, G * units);
            for (int64_t row = 0; row < rows; ++row) {
                const int64_t time = t + filled - 1 - row / count;
                std::memcpy(g.x + time * g.x_step + (from + row % count) * s.input, dx + row * features,
                            s.input * sizeof(float));
            }
        }
        filled = 0;
    }

    void read_last(float* to, int which) const {
        std::memset(to, 0, count * units * sizeof(float));
        for (int64_t r = 0; r < count && g.last[which]; ++r)
            std::memcpy(to + r * units, g.last[which] + (from + r) * s.hidden, s.hidden * sizeof(float));
    }

    void write_first(const float* of, int which) const {
        for (int64_t r = 0; r < count && g.first[which]; ++r)
            std::memcpy(g.first[which] + (from + r) * s.hidden, of + r * units, s.hidden * sizeof(float));
    }
};

// to[order[column] * hidden + unit][k] += from[k][column * units + unit]
inline void add_transposed(float* to, const float* from, const int* order, int64_t gates, int64_t hidden, int64_t count) {
    const int64_t units = padded(hidden), width = gates * units;
    for (int64_t column = 0; column < gates; ++column)
        for (int64_t unit = 0; unit < hidden; ++unit) {
            float* row = to + (order[column] * hidden + unit) * count;
            for (int64_t k = 0; k < count; ++k) row[k] += from[k * width + column * units + unit];
        }
}

// All rows, each thread with sums of its own; they are added in the order of the rows, so that a call repeats bit by bit.
template <class Cell>
void backward(const Sequence& s, const Gradients& g, const float* pack) {
    constexpr int W_ORDER[] = {0, 1, 2, 3};
    const PackLayout<Cell> at(s.input, s.hidden);
    const int64_t threads = s.useful_threads(), parts = parts_of(s.batch, GRAIN, threads);
    const int64_t size = WeightSums::size(s.input, s.hidden, Cell::GATES, Cell::GRADIENTS);
    float* room = scratch(Use::SUMS, parts * size);
    over_rows(s.batch, GRAIN, threads, [&](int64_t part, int64_t first, int64_t last) {
        const QuietFloats quiet;
        std::memset(room + part * size, 0, size * sizeof(float));
        WeightSums sums(room + part * size, s.input, s.hidden, Cell::GATES);
        for (int64_t row = first; row < last; row += CHUNK)
            Backward<Cell>{s, g, pack + at.U_back, pack + at.W_back, sums}.run(row, std::min(row + CHUNK, last));
    });
    for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = 0; i < size; ++i) room[i] += room[part * size + i];
    const WeightSums all(room, s.input, s.hidden, Cell::GATES);
    if (g.U) add_transposed(g.U, all.U, Cell::U_ORDER, Cell::GATES, s.hidden, s.hidden);
    if (g.W) add_transposed(g.W, all.W, W_ORDER, Cell::GATES, s.hidden, s.input);
    if (g.b) add_transposed(g.b, all.bias + (Cell::GRADIENTS - Cell::GATES) * padded(s.hidden), W_ORDER, Cell::GATES, s.hidden, 1);
    if (g.c) add_transposed(g.c, all.bias, Cell::U_ORDER, Cell::GATES, s.hidden, 1);
}
