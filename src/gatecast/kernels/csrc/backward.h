// The way back through time for a chunk of rows: unit by unit through the gates, one product with U for the state before,
// and, for some steps at once, the products that give the gradients of the weights and of x.
//
// A Cell says how many columns of GRADIENTS a unit has.  The first GATES of them, in the order U_ORDER, belong to U; the last
// GATES, in the order of the gates, belong to W.  (They differ where r acts between U and the gate.)
#pragma once

#include <algorithm>

#include "pool.h"
#include "tile.h"
#include "weight_sums.h"

template <class Cell>
struct Backward {
    static constexpr int D = Cell::GRADIENTS, G = Cell::GATES;
    static constexpr int EARLY = Cell::TWICE ? G - 1 : G;  // gates that read h itself
    static constexpr int READS = Cell::TWICE ? 2 : 1;
    const Sequence& s;
    const Gradients& g;
    const float* U_back;
    const float* W_back;
    WeightSums& sums;
    int64_t units = padded(s.hidden), features = padded(s.input), blocks = units / LANES;
    // Rows lie a vector further apart than they are long: powers of two would all meet in the same few cache lines.
    int64_t h_row = units + LANES, d_row = D * units + LANES, x_row = s.input + 1;
    int64_t from = 0, count = 0, filled = 0;
    // Of the chunk's rows: the gradients of h and of c (or, of a cell that reads the state TWICE, of what it reads then).
    float *dh = nullptr, *dc = nullptr;
    // Of the rows of some steps: gradients of the gates, h before (then with r, where a cell reads that), x, dx.
    float *d = nullptr, *h = nullptr, *read = nullptr, *x = nullptr, *dx = nullptr;
    float* goes[TOGETHER] = {};  // and where dx goes

    // The rows [from, to) from the last step to the first.
    void run(int64_t begin, int64_t end) {
        from = begin, count = end - begin;
        const int64_t rows = std::max<int64_t>(1, TOGETHER / count) * count;
        dh = scratch(Use::ROWS, 2 * count * units + rows * (d_row + READS * h_row + x_row + features));
        dc = dh + count * units, d = dc + count * units, h = d + rows * d_row, read = h + (READS - 1) * rows * h_row;
        x = read + rows * h_row, dx = x + rows * x_row;
        read_last(dh, 0);
        read_last(dc, 1);
        std::memset(h, 0, READS * rows * h_row * sizeof(float));
        for (int64_t t = s.steps - 1; t >= 0; --t) {
            const int64_t alive = std::max<int64_t>(0, std::min(s.rows_at(t), end) - from);
            step(t, alive);
            filled += alive;
            if (filled + count > rows || t == 0) flush();
        }
        write_first(dh, 0);
        write_first(dc, 1);
    }

    void step(int64_t t, int64_t alive) {
        for (int64_t r = 0; r < alive; ++r) {
            const float* before = s.before(t, from + r);
            float* h_before = h + (filled + r) * h_row;
            if (before) copy(h_before, before, s.hidden);
            else std::memset(h_before, 0, s.hidden * sizeof(float));
            const float *dy = g.out_at(s, t, from + r), *saved = saved_at(t, r), *after = s.out_at(t, from + r);
            for (int64_t block = 0; block < blocks; ++block)
                unit(r, block, h_before, after, dy, saved + block * Cell::SAVED * LANES);
            const float* inputs = s.x_at(t, from + r);
            float* x_now = x + (filled + r) * x_row;
            for (int64_t i = 0; i < s.input; ++i) x_now[i] = inputs[i * s.x_feature];
            x_now[s.input] = 1.0f;
            if (g.x) goes[filled + r] = g.x_at(s, t, from + r);
        }
        if constexpr (Cell::TWICE) back_through_reading(t, alive);
        for (int64_t r = 0, rows = 0; r < alive; r += rows) {
            rows = rows_at_once(alive - r);
            if (t) fetch(t - 1, r, rows);
            product(rows, blocks, dh + r * units, units, d + (filled + r) * d_row, d_row, 1, U_back, PANEL,
                    G * units * PANEL, EARLY * units);
        }
    }

    const float* saved_at(int64_t t, int64_t r) const { return s.saved + s.saved_at(t, from + r) * blocks * Cell::SAVED * LANES; }

    // From the last gate of a cell that reads the state twice to what it reads, and from there to h and the other gates.
    void back_through_reading(int64_t t, int64_t alive) {
        std::memset(dc, 0, alive * units * sizeof(float));
        product(alive, blocks, dc, units, d + filled * d_row + EARLY * units, d_row, 1, U_back + EARLY * units * PANEL, PANEL,
                G * units * PANEL, units);
        for (int64_t r = 0; r < alive; ++r)
            for (int64_t at = 0; at < units; at += LANES) {
                vec gradient, of_read = load(h + (filled + r) * h_row + at);
                const vec flows = Cell::close(saved_at(t, r) + at * Cell::SAVED, of_read, load(dc + r * units + at), gradient);
                store(dh + r * units + at, load(dh + r * units + at) + flows);
                store(d + (filled + r) * d_row + at, gradient);
                store(read + (filled + r) * h_row + at, of_read);
            }
    }

    // Ask for what the step t will read, while there is something else to do.
    void fetch(int64_t t, int64_t r, int64_t rows) const {
        const float* saved = saved_at(t, r);
        for (int64_t i = 0; i < rows * blocks * Cell::SAVED * LANES; i += 16) __builtin_prefetch(saved + i, 0, 2);
        for (; rows > 0; --rows, ++r) {
            const float *h = s.before(t, from + r), *dy = g.out_at(s, t, from + r);
            for (int64_t i = 0; i < s.hidden; i += 16) {
                if (h) __builtin_prefetch(h + i, 0, 2);
                if (dy) __builtin_prefetch(dy + i, 0, 2);
            }
        }
    }

    INLINE void unit(int64_t r, int64_t block, const float* h_before, const float* h, const float* dy, const float* saved) {
        const int64_t at = block * LANES;
        const int64_t part = std::min<int64_t>(LANES, s.hidden - at);
        vec gradients[D];
        vec total = load(dh + r * units + at);
        if (dy) total += load_part(dy + at, part);
        const vec before = load(h_before + at), after = load_part(h + at, part);
        store(dh + r * units + at, Cell::gradients(saved, before, after, total, dc + r * units + at, gradients));
        for (int column = 0; column < D; ++column)
            store(d + (filled + r) * d_row + column * units + at, gradients[column]);
    }

    // The gradients of the weights and of x for the rows that are filled.
    void flush() {
        const float* d_input = d + (D - G) * units;
        if (g.U) product(s.hidden, EARLY * blocks, sums.U, sums.width, h, 1, h_row, d, d_row, PANEL, filled);
        if (g.U && Cell::TWICE)
            product(s.hidden, blocks, sums.U + EARLY * units, sums.width, read, 1, h_row, d + EARLY * units, d_row, PANEL, filled);
        if (g.W || g.b || g.c) product(x_row, G * blocks, sums.W, sums.width, x, 1, x_row, d_input, d_row, PANEL, filled);
        if (g.c)
            for (int64_t at = 0; at < (D - G) * units; at += LANES) {
                vec sum{};
                for (int64_t row = 0; row < filled; ++row) sum += load(d + row * d_row + at);
                store(sums.apart + at, load(sums.apart + at) + sum);
            }
        if (g.x) {
            std::memset(dx, 0, filled * features * sizeof(float));
            product(filled, features / LANES, dx, features, d_input, d_row, 1, W_back, PANEL, G * units * PANEL, G * units);
            for (int64_t row = 0; row < filled; ++row)
                std::memcpy(goes[row], dx + row * features, s.input * sizeof(float));
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

// All rows, each thread with sums of its own; they are added in the order of the rows, so that a call repeats bit by bit.
template <class Cell>
void backward(const Sequence& s, const Gradients& g, const float* pack) {
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
    write_gradients<Cell>(g, WeightSums(room, s.input, s.hidden, Cell::GATES), s.input, s.hidden);
}
